import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

import test from 'ava';

const root = fileURLToPath(new URL('../../', import.meta.url));

// From the ground up; files on one floor know nothing of each other. docs/design.md draws it.
const CORE = [
  ['align', 'racing_copy', 'result', 'ring', 'os/retry'],
  ['sequence', 'os/barrier', 'os/shm', 'os/thread'],
  ['message'],
  ['layout', 'marker', 'mapping', 'slot_state', 'os/futex', 'os/futex_poll', 'os/lock'],
  ['directory', 'durability', 'liveness', 'patience', 'wait'],
  ['segment', 'commit_tracker', 'claims', 'polled_watcher', 'watcher'],
  ['consumers', 'memory', 'publisher', 'recovery', 'subscriber'],
  ['group'],
  ['snapshot', 'assignments'],
  ['broadcast_snapshot'],
  ['inspect', 'sequencer'],
  ['queue'],
];
const BINDING = [
  ['allocator', 'exchange', 'handles', 'inspection', 'pool', 'values', 'waker'],
  ['environment', 'joining'],
  ['errors', 'view'],
  ['invoke', 'syncing'],
  ['broadcast_handles', 'memory_handle', 'ring_handle'],
  ['attaching'],
  ['addon'],
];
const SOURCES = [
  ['errors', 'timers', 'native/creation', 'native/exchange', 'native/joining'],
  ['native/facts', 'steps'],
  ['native/addon'],
  [
    'native/allocator',
    'native/broadcast',
    'native/memory',
    'native/ring',
    'native/segments',
    'native/waker',
    'validate',
    'values/fingerprint',
    'segment/slots',
    'waiting/keep-alive',
    'waiting/patience',
    'waiting/polling-budget',
    'waiting/removal',
  ],
  [
    'waiting/channel',
    'segment/events',
    'segment/free-name',
    'segment/segment-handle',
    'segment/location',
    'segment/policy',
    'waiting/strategy',
    'values/place',
    'values/encoding',
    'values/reading',
  ],
  ['compatible/options', 'waiting/waiter', 'values/field-types'],
  ['memory/memory-attachment', 'segment/attachment', 'segment/segments', 'values/record'],
  [
    'ring/producer',
    'ring/consumer',
    'segment/ring-participant',
    'values/format',
    'waiting/serial-queue',
    'ring/statistics',
  ],
  [
    'ring/batch',
    'ring/ring-producer',
    'queue/message',
    'queue/batch-send',
    'queue/packed',
    'ring/ring-options',
    'values/message-format',
    'broadcast/receive-buffer',
    'broadcast/listening',
  ],
  ['ring/handler'],
  ['ring/ring-consumer'],
  [
    'ring/ring',
    'memory/shared-memory',
    'queue/queue-options',
    'broadcast/broadcast-options',
    'broadcast/subscription',
  ],
  ['compatible/disruptor', 'queue/queue-statistics', 'queue/cells'],
  ['queue/receiver'],
  ['queue/queue', 'broadcast/broadcast', 'broadcast/subscription-stream'],
  [
    'streaming',
    'bridge/bridge-message',
    'bridge/payload',
    'bridge/client',
    'bridge/backoff',
    'bridge/inbox',
    'bridge/server-url',
    'bridge/tls',
    'bridge/kafka-client',
  ],
  [
    'queue/queue-streams',
    'compatible/read-stream',
    'compatible/write-stream',
    'bridge/endpoint',
    'bridge/reading',
    'bridge/seen',
  ],
  [
    'index',
    'bridge/checkpoint',
    'bridge/statistics',
    'bridge/ring-source',
    'bridge/broadcast-target',
    'bridge/nats-errors',
    'bridge/redis-errors',
    'bridge/kafka-errors',
  ],
  [
    'bridge/bridge',
    'bridge/delivered',
    'bridge/queue-source',
    'bridge/broadcast-source',
    'bridge/nats-connection',
    'bridge/redis-connection',
    'bridge/kafka-source',
    'bridge/kafka-target',
  ],
  [
    'bridge/ring-target',
    'bridge/queue-target',
    'bridge/nats-consumer',
    'bridge/nats-target',
    'bridge/redis-target',
  ],
  ['bridge/nats-source', 'bridge/redis-source'],
  ['bridge/index'],
  ['observe/finding', 'observe/geometry', 'observe/removed', 'observe/ring'],
  ['observe/broadcast', 'observe/damage', 'observe/stuck'],
  ['observe/observation'],
  ['observe/rates'],
  ['command/standard', 'command/usage'],
  ['command/exit', 'command/output', 'command/blocks', 'command/watching', 'command/bench-peer'],
  [
    'command/fitting',
    'command/lines',
    'command/memory',
    'command/screen',
    'command/view',
    'command/latencies',
  ],
  ['command/endpoint'],
  ['command/sink', 'command/source'],
  ['monitor/look', 'monitor/metrics', 'monitor/admission', 'monitor/files'],
  ['monitor/looking'],
  ['monitor/stream'],
  ['monitor/server'],
  // The page, as browsers load it.
  [
    'monitor/page/uPlot',
    'monitor/page/element',
    'monitor/page/figures',
    'monitor/page/motion',
    'monitor/page/connection',
  ],
  ['monitor/page/verdict', 'monitor/page/happenings'],
  ['monitor/page/colours', 'monitor/page/history'],
  [
    'monitor/page/ring-drawing',
    'monitor/page/queue-drawing',
    'monitor/page/block-drawing',
    'monitor/page/participants',
    'monitor/page/charts',
  ],
  ['monitor/page/card'],
  ['monitor/page/page'],
  [
    'command/list',
    'command/info',
    'command/top',
    'command/write',
    'command/read',
    'command/remove',
    'command/recover',
    'command/bench',
    'command/demo',
    'command/bridge',
    'command/monitor',
  ],
  ['command/program'],
  ['command/main'],
];

/** The files under `folder` that have one of these endings, without the ending. */
function files(folder: string, ending: RegExp): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).filter((file) =>
    ending.test(file),
  );
}

/** A header and its sources are one room. */
const room = (file: string) => file.replace(/(_linux|\.d)?\.\w+$/, '');

/** The rooms that `file` of `folder` names, those in other folders with their path. */
function named(folder: string, file: string, pattern: RegExp): string[] {
  const text = readFileSync(join(root, folder, file), 'utf8');
  return [...text.matchAll(pattern)]
    .map((match) => normalize(join(dirname(file), match[1]!)))
    .map(room)
    .filter((target) => target !== room(file));
}

function misplaced(folder: string, floors: string[][], ending: RegExp, pattern: RegExp): string[] {
  const floorOf = (name: string) => floors.findIndex((floor) => floor.includes(name));
  return files(folder, ending).flatMap((file) =>
    named(folder, file, pattern)
      .filter((target) => !target.startsWith('../core/'))
      .filter((target) => floorOf(target) < 0 || floorOf(target) >= floorOf(room(file)))
      .map((target) => `${folder}/${file} -> ${target}`),
  );
}

const INCLUDE = /^#include "([^"]+)"/gm;
const IMPORT = /from '(\.[^']+)'/g;

test('every file has its floor', (t) => {
  for (const [folder, floors, ending] of [
    ['addon/core', CORE, /\.(h|cc)$/],
    ['addon/binding', BINDING, /\.(h|cc)$/],
    ['src', SOURCES, /\.ts$/],
  ] as const) {
    const rooms = new Set(files(folder, ending).map(room));
    t.deepEqual([...rooms].sort(), floors.flat().sort());
  }
});

test('includes and imports point down', (t) => {
  t.deepEqual(misplaced('addon/core', CORE, /\.(h|cc)$/, INCLUDE), []);
  t.deepEqual(misplaced('addon/binding', BINDING, /\.(h|cc)$/, INCLUDE), []);
  t.deepEqual(misplaced('src', SOURCES, /\.ts$/, IMPORT), []);
});

test('the core knows no Node, and only its os folder knows the system', (t) => {
  for (const file of files('addon/core', /\.(h|cc)$/)) {
    const text = readFileSync(join(root, 'addon/core', file), 'utf8');
    t.notRegex(text, /#include <(napi|node_api|uv|v8|node)/, file);
    if (file.endsWith('_linux.cc')) continue;
    t.notRegex(text, /#include <(sys\/|unistd|fcntl|linux\/|pthread)/, file);
  }
});

test('only sequence.h, the mapping’s count and what is shared with the kernel are atomics', (t) => {
  const named = files('addon', /\.(h|cc)$/).filter((file) =>
    readFileSync(join(root, 'addon', file), 'utf8').includes('#include <atomic>'),
  );
  t.deepEqual(named.sort(), ['core/mapping.h', 'core/os/futex_poll_linux.cc', 'core/sequence.h']);
});
