// Some producers and some consumers of one ring, a process each.
import { together } from './participants.js';
import { withPlace } from './place.js';

const list = (count, make) => Array.from({ length: count }, (_, i) => make(i));

/**
 * Runs the roles `producer` and `consumer` of a scenario, which get a `place`, their index and the
 * other parameters. The first producer is there first: it creates the ring. Each sends the same
 * part of all messages, and each consumer gets all of them. A producer that returns a number began
 * then, and what it did before does not count.
 *
 * @returns nanoseconds for each message, until the last consumer has seen the last of them; undefined
 * if all took longer than `limit` milliseconds
 */
export function manyToMany(scenario, parameters, limit) {
  const { producers, consumers, messages } = parameters;
  return withPlace(async (place) => {
    const parts = [
      ...list(producers, (producer) => ({ ...parameters, role: 'producer', place, producer })),
      ...list(consumers, (consumer) => ({ ...parameters, role: 'consumer', place, consumer })),
    ];
    const times = await together(scenario, parts, limit);
    if (times === undefined) return undefined;
    const begun = times.slice(0, producers).map((time) => time.result ?? time.begin);
    const begin = Math.min(...begun);
    const end = Math.max(...times.slice(producers).map((time) => time.end));
    return (end - begin) / messages;
  });
}
