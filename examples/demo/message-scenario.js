import { Child, runTogether } from './child.js';
import { MESSAGE_BYTES } from './message.js';
import { showProgress } from './progress.js';
import { createRing } from './ring.js';

const PRODUCERS = 2;
const CONSUMERS = 2;

/** Several producers send messages, and every consumer gets all of them. */
export async function messageScenario() {
  const name = createRing('messages', {
    elements: 4096,
    elementSize: MESSAGE_BYTES,
    consumers: CONSUMERS,
  });
  const consumers = Array.from(
    { length: CONSUMERS },
    (_, id) => new Child('message-consumer.js', name, id, PRODUCERS),
  );
  const producers = Array.from(
    { length: PRODUCERS },
    (_, id) => new Child('message-producer.js', name, id),
  );

  const scenario = `messages, ${PRODUCERS} producers, ${CONSUMERS} consumers`;
  const hide = showProgress(scenario);
  const results = await runTogether([...consumers, ...producers]);
  hide();

  const received = results.slice(0, CONSUMERS);
  const sent = results.slice(CONSUMERS);
  const sum = sent.reduce((sums, { total }) => (sums + total) >>> 0, 0);
  const messages = sent.reduce((count, { counted }) => count + counted, 0);
  const seconds = Math.max(...sent.map((producer) => producer.seconds));
  const equal = received.every(({ total, faults }) => total === sum && faults === 0);
  return { scenario, messages, bytes: messages * MESSAGE_BYTES, seconds, equal };
}
