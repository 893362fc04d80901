import { Child, runTogether } from './child.js';
import { MESSAGE_BYTES } from './message.js';
import { showProgress } from './progress.js';
import { createRing, readByAll } from './ring.js';

const PRODUCERS = 2;
const CONSUMERS = 2;
const MESSAGES_EACH = 1_500_000;

/** Several producers send messages, and every consumer gets all of them. */
export async function messageScenario() {
  const messages = PRODUCERS * MESSAGES_EACH;
  const { name, ring } = createRing('messages', {
    elements: 4096,
    elementSize: MESSAGE_BYTES,
    consumers: CONSUMERS,
  });
  const consumers = Array.from(
    { length: CONSUMERS },
    (_, id) => new Child('message-consumer.js', name, id, PRODUCERS, messages),
  );
  const producers = Array.from(
    { length: PRODUCERS },
    (_, id) => new Child('message-producer.js', name, id, MESSAGES_EACH),
  );

  const scenario = `messages, ${PRODUCERS} producers, ${CONSUMERS} consumers`;
  const hide = showProgress(scenario, messages, () => readByAll(ring));
  const { results, seconds } = await runTogether([...consumers, ...producers]);
  hide();

  const received = results.slice(0, CONSUMERS);
  const sent = results.slice(CONSUMERS).reduce((sum, total) => (sum + total) >>> 0, 0);
  const equal = received.every(({ total, faults }) => total === sent && faults === 0);
  return { scenario, messages, bytes: messages * MESSAGE_BYTES, seconds, equal };
}
