// `rm` and `recover`.
import { chmodSync, existsSync, truncateSync, writeFileSync } from 'node:fs';

import test from 'ava';
import type { ExecutionContext } from 'ava';
import { Disruptor, Queue, Ring } from 'shm-disruptor';

import type { Observation } from '../../dist/observe/observation.js';
import { ring, ringOfRoles, uniqueName, WATCHDOG_MILLISECONDS } from '../fixture.js';
import { peers } from '../ring-peers.js';
import { word } from '../words.js';
import { alone, canBeAlone, command, errorOf, refused } from './command.js';

test.beforeEach((t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
});

const pathOf = (name: string) => `/dev/shm${name}`;

test('rm: what nobody uses goes, what somebody uses stays', async (t) => {
  const used = ring.named(t);
  const unused = ring.named(t);
  unused.creator.release();
  const both = await command(t, 'rm', used.name, unused.name);
  t.is(both.end, 1);
  t.is(both.output, `removed ${unused.name}\n`);
  t.regex(both.errors, /somebody who lives is attached: .* \(ERR_SEGMENT_IN_USE\)\n$/);
  t.deepEqual([existsSync(pathOf(used.name)), existsSync(pathOf(unused.name))], [true, false]);
  const forced = await command(t, 'rm', used.name, '--force', '--json');
  t.deepEqual([forced.end, JSON.parse(forced.output)], [0, { removed: [used.name] }]);
  t.false(existsSync(pathOf(used.name)));
  t.is(used.creator.produceClaimSync().length, 4, 'they go on');
});

test('rm: damaged ones too, and nothing that is not ours', async (t) => {
  const { name, creator } = ring.named(t);
  creator.release();
  truncateSync(pathOf(name), 5000);
  t.is((await command(t, 'rm', name)).end, 0);
  t.false(existsSync(pathOf(name)));
  const foreign = uniqueName(t);
  writeFileSync(pathOf(foreign), Buffer.alloc(8192, 1));
  const refusal = await command(t, 'rm', foreign, '--force', '--json');
  t.is(errorOf(refusal).code, 'ERR_SEGMENT_FOREIGN');
  t.true(existsSync(pathOf(foreign)));
});

test('rm: wrong names, no names, no permission', async (t) => {
  t.is(errorOf(await command(t, 'rm', uniqueName(), '--json')).code, 'ENOENT');
  t.is(errorOf(await command(t, 'rm', '--json')).code, 'ERR_USAGE');
  t.is(errorOf(await command(t, 'rm', '/x', '--stale', '--json')).code, 'ERR_USAGE');
  const { name, creator } = ring.named(t);
  creator.release();
  t.is(errorOf(await refused(t, name, 'rm', name, '--json')).code, 'EACCES');
  t.true(existsSync(pathOf(name)));
  chmodSync(pathOf(name), 0o600);
});

if (canBeAlone) {
  test('rm --stale: only what no living process uses', (t) => {
    const script = `
      cat > /dev/shm/program.mjs <<'END'
      import { execSync } from 'node:child_process';
      const { Broadcast, listSegments, Ring, SharedMemory } = await import(process.env.LIBRARY);
      const run = (args) => execSync(process.env.RUN + ' ' + args, { encoding: 'utf8' });
      const options = { elements: 8, elementSize: 4 };
      console.log(run('rm --stale').trim());
      const used = Ring.create('/used', options);
      Ring.create('/unused', options).close();
      Ring.create('/also-unused', options).close();
      Broadcast.create('/broadcast', options).close();
      SharedMemory.create('/memory', 8).close();
      const listening = Broadcast.create('/listened-to', options).subscribe();
      try {
        run('rm --stale 2>&1');
      } catch ({ status, stdout }) {
        console.log(status, stdout.trim());
      }
      console.log(run('rm --stale --yes').trim());
      console.log(run('rm --stale --yes --json').trim());
      console.log(listSegments().map(({ name }) => name).join());
      used.close();
END
      ${process.execPath} /dev/shm/program.mjs`;
    t.deepEqual(alone(script).split('\n'), [
      'Nothing is stale.',
      '1 shm-disruptor: Nobody to ask: --yes removes them without asking (ERR_NOT_CONFIRMED)',
      'removed /also-unused',
      'removed /broadcast',
      'removed /memory',
      'removed /unused',
      '{',
      '  "removed": []',
      '}',
      '/listened-to,/used',
      '',
    ]);
  });
}

test('recover: nothing to do', async (t) => {
  const { name } = ring.named(t);
  t.like(await command(t, 'recover', name), {
    end: 0,
    output: 'No dead producer held anything up.\n',
  });
});

test('recover: what a dead producer held up', async (t) => {
  const made = ringOfRoles(t, { consumers: { a: {} } });
  const peer = await peers.process(t, made.name);
  await peer.ask({ do: 'producer' });
  await peer.ask({ do: 'claim', values: [1, 2] });
  const producer = made.producer();
  t.teardown(() => {
    producer.close();
  });
  const claim = producer.tryClaim(1)!;
  await peer.end();
  const recovered = await command(t, 'recover', made.name, '--json');
  t.is(recovered.end, 0);
  t.deepEqual(JSON.parse(recovered.output), {
    name: made.name,
    closed: { gaps: 1, elements: 2 },
    visible: 2,
    detached: [],
    stuck: [],
  });
  t.true(claim.commit());
  t.is(made.stats().cursor, 3);
});

test('recover --detach: producers no longer wait for a dead consumer', async (t) => {
  const made = ringOfRoles(t, { elements: 2, consumers: { a: {}, g: { group: true } } });
  const peer = await peers.process(t, made.name);
  await peer.ask({ do: 'consumer', name: 'a' });
  const producer = made.producer();
  t.teardown(() => {
    producer.close();
  });
  producer.tryPublishMany([word(1), word(2)]);
  const alive = await command(t, 'recover', made.name, '--detach', 'a', '--json');
  t.is(errorOf(alive).code, 'ERR_CONSUMER_BUSY');
  await peer.end();
  t.false(producer.tryPublish(word(3)));
  const { end, output } = await command(t, 'recover', made.name, '--detach', 'a', 'g');
  t.is(end, 0);
  t.regex(output, /^Producers no longer wait for a\.\nProducers no longer wait for g\.$/m);
  t.true(producer.tryPublish(word(3)));
  const name = uniqueName(t);
  const indexed = new Disruptor({ name, elements: 1, elementSize: 4, init: true });
  indexed.produceClaimSync();
  indexed.produceCommitSync();
  t.is((await command(t, 'recover', name, '--detach', '#0')).end, 0);
  t.is(indexed.produceClaimSync().length, 4);
  indexed.release();
});

/** The consumers of a ring and how they gate, as `info` lists them. */
async function listed(t: ExecutionContext, name: string): Promise<string[]> {
  const { output } = await command(t, 'info', name, '--json');
  const { ring: seen } = JSON.parse(output) as Observation;
  return seen!.consumers.map(({ name: each, role, gating }) => `${role} ${each} ${gating}`);
}

test('recover --detach: who lives stays, also without a name or in a group', async (t) => {
  const made = ringOfRoles(t, { consumers: { g: { group: true } } });
  const all = [made.consumer('g', { group: true }), made.consumer(), made.consumer()];
  t.teardown(() => {
    for (const each of all) each.close();
  });
  const before = await listed(t, made.name);
  t.deepEqual(before, [
    'group g gates',
    'member g in a group',
    'consumer #2 gates',
    'consumer #3 gates',
  ]);
  for (const name of ['g', '#2', '#3']) {
    const refusal = await command(t, 'recover', made.name, '--detach', name, '--json');
    t.is(refusal.end, 1);
    t.like(errorOf(refusal), { code: 'ERR_CONSUMER_BUSY' });
    t.true(errorOf(refusal).message.startsWith(`${name}: `));
  }
  t.deepEqual(await listed(t, made.name), before, 'and nobody comes of it');
});

test('recover --detach: a nameless consumer that is dead, and no other', async (t) => {
  const made = ringOfRoles(t, { consumers: { a: {} } });
  const peer = await peers.process(t, made.name);
  const other = await peers.process(t, made.name);
  for (const each of [peer, other]) t.deepEqual(await each.ask({ do: 'consumer' }), {});
  await peer.end();
  await other.end();
  t.deepEqual(await listed(t, made.name), [
    'consumer a gates',
    'consumer #1 gates',
    'consumer #2 gates',
  ]);
  t.is((await command(t, 'recover', made.name, '--detach', '#2')).end, 0);
  // Those without a name are let go of by themselves where they are in the way.
  t.deepEqual(await listed(t, made.name), ['consumer a gates', 'consumer #1 detached']);
});

test('recover --detach: all or none, and one that was released for good stays so', async (t) => {
  const { name, creator } = ring.named(t, { consumers: 2 });
  creator.release(true);
  const some = await command(t, 'recover', name, '--detach', '#1', 'nobody', '--json');
  t.is(errorOf(some).code, 'ERR_UNKNOWN_CONSUMER');
  t.deepEqual(await listed(t, name), ['consumer #0 ignored', 'consumer #1 gates']);
  t.is((await command(t, 'recover', name, '--detach', '#0', '#1')).end, 0);
  t.deepEqual(await listed(t, name), ['consumer #0 ignored', 'consumer #1 detached']);
});

test('recover --detach: what a queue keeps for its consumers is not thrown away', async (t) => {
  const queue = Queue.create(uniqueName(t), { capacity: 4096 });
  t.true(queue.tryEnqueue(Buffer.from('message')));
  queue.close();
  const refusal = await command(t, 'recover', queue.name, '--detach', 'consumers', '--json');
  t.is(refusal.end, 1);
  t.like(errorOf(refusal), { code: 'ERR_SEGMENT_KIND' });
  t.is((await command(t, 'read', queue.name, '--no-wait')).output, 'message\n');
});

test('recover: records, queues, wrong names, damage, no permission', async (t) => {
  const values = { elements: 8, elementSize: 8, encoding: 'json', consumers: { a: {} } } as const;
  const made = Ring.create(uniqueName(t), values);
  t.is((await command(t, 'recover', made.name, '--detach', 'a')).end, 0);
  made.close();
  const queue = Queue.create(uniqueName(t), { capacity: 4096 });
  queue.close();
  t.is((await command(t, 'recover', queue.name)).end, 0);
  const code = async (...args: string[]) =>
    errorOf(await command(t, 'recover', ...args, '--json')).code;
  t.is(await code(uniqueName()), 'ENOENT');
  t.is(await code(made.name, '--detach', 'nobody'), 'ERR_UNKNOWN_CONSUMER');
  const { name, creator } = ring.named(t);
  t.is(errorOf(await refused(t, name, 'recover', name, '--json')).code, 'EACCES');
  chmodSync(pathOf(name), 0o600);
  creator.release();
  truncateSync(pathOf(name), 5000);
  t.is(await code(name), 'ERR_SEGMENT_TRUNCATED');
});
