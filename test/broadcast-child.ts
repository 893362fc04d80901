// A process that has nothing but one wait for a broadcast. Its arguments: the name, a user to be, or
// nothing, and what it calls, in this order.
import { Broadcast } from 'shm-disruptor';

const [name, user, ...calls] = process.argv.slice(2) as [string, string];
if (user !== '') {
  process.setgid!(Number(user));
  process.setuid!(Number(user));
}
const broadcast = Broadcast.open(name);
const subscription = broadcast.subscribe();

function told(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
}

for (const call of calls as string[]) {
  if (call === 'publish') console.log(told(() => broadcast.publish('x')));
  if (call === 'claim') console.log(told(() => broadcast.claim()));
  if (call === 'unref') subscription.unref();
  if (call === 'sync') console.log('waiting');
  if (call === 'sync') console.log(subscription.receiveSync().data.toString());
  if (call === 'wait') {
    void subscription.receive().then(({ data }) => {
      console.log(data.toString());
    });
  }
  if (call === 'wait beside another') {
    const closing = broadcast.subscribe();
    closing.receive().catch((error: unknown) => {
      console.log((error as NodeJS.ErrnoException).code);
    });
    setTimeout(() => {
      closing.close();
    }, 50);
  }
}
console.log('waiting');
