// Options that a call does not know are mistakes: misspelt, of another call, or of a later version.
import { EventEmitter } from 'node:events';

import test from 'ava';
import {
  Broadcast,
  defineRecord,
  Disruptor,
  DisruptorReadStream,
  DisruptorWriteStream,
  listSegments,
  Queue,
  QueueReadStream,
  QueueWriteStream,
  Ring,
  SharedMemory,
  SubscriptionReadStream,
  unlinkSegment,
} from 'shm-disruptor';
import {
  Disconnected,
  Bridge,
  broadcastSource,
  kafkaSource,
  kafkaTarget,
  natsSource,
  natsTarget,
  queueSource,
  queueTarget,
  redisSource,
  redisTarget,
  ringSource,
  ringTarget,
} from 'shm-disruptor/bridge';

import { ListSource, ScriptTarget } from './bridge/ends.js';
import { uniqueName, WATCHDOG_MILLISECONDS } from './fixture.js';

/** Each call with an option that it does not know, among those that it needs. */
type Call = (options: never) => unknown;

const unknown = { code: 'ERR_INVALID_ARG_VALUE', name: 'TypeError' };

/** Everything that takes options, by what it is called; closed when the test ends. */
function everything() {
  const stack: { close(): void }[] = [];
  const kept = <T extends { close(): void }>(one: T): T => {
    stack.push(one);
    return one;
  };
  const name = () => uniqueName();
  const small = { elements: 4, elementSize: 16 };
  const ring = kept(Ring.create(small));
  const producer = kept(ring.producer());
  const consumer = kept(ring.consumer());
  const queue = kept(Queue.create({ capacity: 4096 }));
  const broadcast = kept(Broadcast.create(small));
  const subscription = kept(broadcast.subscribe());
  const memory = kept(SharedMemory.create(64));
  const bytes = { ...small, elementSize: 1, consumer: 0, init: true };
  // The objects keep their segments, which lose their names at once.
  const compatible = () => {
    const own = name();
    const disruptor = new Disruptor({ name: own, ...bytes });
    Ring.unlink(own);
    stack.push({
      close: () => {
        disruptor.release();
      },
    });
    return disruptor;
  };
  const streamed = compatible();
  const disruptor = compatible();
  const lengths = Uint32Array.of(1);
  const body = Buffer.alloc(16);
  // What has been taken and not finished.
  const claimed = producer.claimSync();
  const space = queue.claimSync(1);
  const slot = broadcast.claim();
  const first = async (generator: AsyncGenerator) => (await generator.next()).value as unknown;

  // These fail before anything happens.
  const calls: Record<string, Call> = {
    'Ring.create': (o) => Ring.create(name(), Object.assign({ ...small }, o)),
    'Ring.create, unnamed': (o) => Ring.create(Object.assign({ ...small }, o)),
    'a declaration': (o) => Ring.create(name(), { ...small, consumers: { a: o } }),
    'Ring.createAsync': (o) => Ring.createAsync(name(), Object.assign({ ...small }, o)),
    'Ring.open': (o) => Ring.open(ring.name, o),
    'Ring.openAsync': (o) => Ring.openAsync(ring.name, o),
    'Ring.unlink': (o) => {
      Ring.unlink(ring.name, o);
    },
    'Disruptor.unlink': (o) => {
      Disruptor.unlink(ring.name, o);
    },
    unlinkSegment: (o) => {
      unlinkSegment(ring.name, o);
    },
    listSegments: (o) => listSegments(o),
    'new Disruptor': (o) => new Disruptor(Object.assign({ name: name(), ...bytes }, o)),
    'ring.producer': (o) => ring.producer(o),
    'ring.consumer': (o) => ring.consumer('a', o),
    'ring.consumer, unnamed': (o) => ring.consumer(o),
    'ring.consumerAsync': (o) => ring.consumerAsync('a', o),
    'producer.claim': (o) => producer.claim(1, o),
    'producer.claimSync': (o) => producer.claimSync(1, o),
    'producer.publish': (o) => producer.publish('a', o),
    'producer.publishSync': (o) => producer.publishSync('a', o),
    'producer.publishMany': (o) => producer.publishMany(['a'], o),
    'producer.publishManySync': (o) => producer.publishManySync(['a'], o),
    'producer.tryClaim': (o) => producer.tryClaim(1, o),
    'producer.tryPublish': (o) => producer.tryPublish('a', o),
    'producer.tryPublishMany': (o) => producer.tryPublishMany(['a'], o),
    'claim.commit': (o) => claimed.commit(o),
    'consumer.next': (o) => consumer.next(o),
    'consumer.nextSync': (o) => consumer.nextSync(o),
    'consumer.tryNext': (o) => consumer.tryNext(o),
    'consumer.commit': (o) => consumer.commit(undefined, o),
    'consumer.rewind': (o) => {
      consumer.rewind(o);
    },
    'ring.stats': (o) => ring.stats(o),
    'ring.sync': (o) => ring.sync(o),
    'consumer.batches': (o) => first(consumer.batches(o)),
    'consumer.process': (o) => consumer.process(() => undefined, o),
    'Queue.create': (o) => Queue.create(name(), Object.assign({ capacity: 4096 }, o)),
    'Queue.create, unnamed': (o) => Queue.create(Object.assign({ capacity: 4096 }, o)),
    'Queue.createAsync': (o) => Queue.createAsync(name(), Object.assign({ capacity: 4096 }, o)),
    'Queue.open': (o) => Queue.open(queue.name, o),
    'Queue.openAsync': (o) => Queue.openAsync(queue.name, o),
    'Queue.unlink': (o) => {
      Queue.unlink(queue.name, o);
    },
    'queue.enqueue': (o) => queue.enqueue('a', o),
    'queue.enqueueSync': (o) => queue.enqueueSync('a', o),
    'queue.enqueueMany': (o) => queue.enqueueMany(['a'], o),
    'queue.enqueueManySync': (o) => queue.enqueueManySync(['a'], o),
    'queue.enqueuePacked': (o) => queue.enqueuePacked(body, lengths, o),
    'queue.enqueuePackedSync': (o) => queue.enqueuePackedSync(body, lengths, o),
    'queue.claim': (o) => queue.claim(1, o),
    'queue.claimSync': (o) => queue.claimSync(1, o),
    'queue.dequeue': (o) => queue.dequeue(o),
    'queue.dequeue, into a target': (o) => queue.dequeue(body, o),
    'queue.dequeueSync': (o) => queue.dequeueSync(o),
    'queue.dequeueSync, into a target': (o) => queue.dequeueSync(body, o),
    'queue.dequeueMany': (o) => queue.dequeueMany(1, o),
    'queue.dequeueManySync': (o) => queue.dequeueManySync(1, o),
    'queue.dequeuePacked': (o) => queue.dequeuePacked(body, lengths, o),
    'queue.dequeuePackedSync': (o) => queue.dequeuePackedSync(body, lengths, o),
    'queue.receive': (o) => queue.receive(o),
    'queue.receiveSync': (o) => queue.receiveSync(o),
    'queue.tryEnqueue': (o) => queue.tryEnqueue('a', o),
    'queue.tryEnqueuePacked': (o) => queue.tryEnqueuePacked(body, lengths, o),
    'queue.enqueueShift': (o) => queue.enqueueShift('a', o),
    'queue.tryClaim': (o) => queue.tryClaim(1, o),
    'space.commit': (o) => space.commit(o),
    'space.abort': (o) => space.abort(o),
    'queue.tryDequeue': (o) => queue.tryDequeue(body, o),
    'queue.tryDequeuePacked': (o) => queue.tryDequeuePacked(body, lengths, o),
    'queue.tryReceive': (o) => queue.tryReceive(o),
    'queue.reject': (o) => queue.reject(0, o),
    'queue.stats': (o) => queue.stats(o),
    'Broadcast.create': (o) => Broadcast.create(name(), Object.assign({ ...small }, o)),
    'Broadcast.create, unnamed': (o) => Broadcast.create(Object.assign({ ...small }, o)),
    'Broadcast.createAsync': (o) => Broadcast.createAsync(name(), Object.assign({ ...small }, o)),
    'Broadcast.open': (o) => Broadcast.open(broadcast.name, o),
    'Broadcast.openAsync': (o) => Broadcast.openAsync(broadcast.name, o),
    'Broadcast.unlink': (o) => {
      Broadcast.unlink(broadcast.name, o);
    },
    'broadcast.subscribe': (o) => broadcast.subscribe(o),
    'broadcast.publish': (o) => broadcast.publish('a', o),
    'broadcast.publishMany': (o) => broadcast.publishMany(['a'], o),
    'broadcast.claim': (o) => broadcast.claim(o),
    'slot.commit': (o) => slot.commit(1, o),
    'slot.abort': (o) => slot.abort(o),
    'broadcast.latest': (o) => broadcast.latest(o),
    'broadcast.stats': (o) => broadcast.stats(o),
    'subscription.receive': (o) => subscription.receive(o),
    'subscription.receiveSync': (o) => subscription.receiveSync(o),
    'subscription.receiveMany': (o) => subscription.receiveMany(1, o),
    'subscription.tryReceive': (o) => subscription.tryReceive(body, o),
    'subscription.latest': (o) => subscription.latest(o),
    'subscription.seek': (o) => {
      subscription.seek('latest', o);
    },
    'SharedMemory.create': (o) => SharedMemory.create(name(), 64, o),
    'SharedMemory.create, unnamed': (o) => SharedMemory.create(64, o),
    'SharedMemory.createAsync': (o) => SharedMemory.createAsync(name(), 64, o),
    'SharedMemory.open': (o) => SharedMemory.open(memory.name, o),
    'SharedMemory.openAsync': (o) => SharedMemory.openAsync(memory.name, o),
    'SharedMemory.unlink': (o) => {
      SharedMemory.unlink(memory.name, o);
    },
    'memory.wait': (o) => memory.wait(0, 1, o),
    'memory.waitSync': (o) => memory.waitSync(0, 1, o),
    'memory.notify': (o) => memory.notify(0, 1, o),
    'memory.load': (o) => memory.load(0, o),
    'memory.read': (o) => memory.read(0, 1, o),
    'memory.view': (o) => memory.view(0, 1, o),
    'memory.unlink': (o) => {
      memory.unlink(o);
    },
    defineRecord: (o) => defineRecord({ x: 'u8' }, o),
    produceClaim: (o) => disruptor.produceClaim(o),
    produceClaimSync: (o) => disruptor.produceClaimSync(o),
    produceClaimMany: (o) => disruptor.produceClaimMany(1, o),
    produceClaimManySync: (o) => disruptor.produceClaimManySync(1, o),
    produceClaimAvail: (o) => disruptor.produceClaimAvail(1, o),
    produceClaimAvailSync: (o) => disruptor.produceClaimAvailSync(1, o),
    produceCommit: (o) => disruptor.produceCommit(o),
    'produceCommit of a range': (o) => disruptor.produceCommit(0, 0, o),
    produceCommitSync: (o) => disruptor.produceCommitSync(o),
    'produceCommitSync of a range': (o) => disruptor.produceCommitSync(0, 0, o),
    consumeNew: (o) => disruptor.consumeNew(o),
    consumeNewSync: (o) => disruptor.consumeNewSync(o),
    'disruptor.batches': (o) => first(disruptor.batches(o)),
    DisruptorReadStream: (o) => new DisruptorReadStream(streamed, o),
    DisruptorWriteStream: (o) => new DisruptorWriteStream(streamed, o),
    QueueReadStream: (o) => new QueueReadStream(queue, o),
    QueueWriteStream: (o) => new QueueWriteStream(queue, o),
    SubscriptionReadStream: (o) => new SubscriptionReadStream(subscription, o),
    Bridge: (o) =>
      new Bridge({ from: new ListSource([]), to: new ScriptTarget(() => 1), ...(o as object) }),
    'the backoff of a bridge': (o) =>
      new Bridge({ from: new ListSource([]), to: new ScriptTarget(() => 1), backoff: o }),
    ringSource: (o) => ringSource(consumer, o),
    ringTarget: (o) => ringTarget(producer, o),
    queueSource: (o) => queueSource(queue, o),
    queueTarget: (o) => queueTarget(queue, o),
    broadcastSource: (o) => broadcastSource(broadcast, o),
    natsSource: (o) => natsSource(Object.assign({ stream: 's', durable: 'd' }, o)),
    natsTarget: (o) => natsTarget(Object.assign({ stream: 's', subject: 's' }, o)),
    'the tls of an engine': (o) => redisTarget({ key: 'k', tls: o }),
    Disconnected: (o) => new Disconnected('engine', undefined, o),
    redisSource: (o) => redisSource(Object.assign({ key: 'k', group: 'g' }, o)),
    redisTarget: (o) => redisTarget(Object.assign({ key: 'k' }, o)),
    kafkaSource: (o) => kafkaSource(Object.assign({ topic: 't', consumer: () => 0 as never }, o)),
    kafkaTarget: (o) => kafkaTarget(Object.assign({ topic: 't', producer: () => 0 as never }, o)),
  };
  const close = () => {
    for (const one of stack) one.close();
    for (const { name } of [ring, queue, broadcast, memory]) Ring.unlink(name);
  };
  return { calls, close };
}

test('an option that a call does not know is an error, in every call', async (t) => {
  t.timeout(WATCHDOG_MILLISECONDS);
  const { calls, close } = everything();
  t.teardown(close);
  for (const [title, call] of Object.entries(calls)) {
    // Sync ones throw, and promises reject.
    const error = await t.throwsAsync(
      async () => {
        // With an end for what would otherwise wait.
        await call({ tiemout: 5, timeout: 1000 } as never);
      },
      unknown,
      title,
    );
    t.regex(error.message, /'tiemout'/, title);
  }
});

test('one that is undefined was left out', async (t) => {
  const { calls, close } = everything();
  t.teardown(close);
  const queue = Queue.create({ capacity: 4096, later: undefined } as never);
  await queue.enqueue('a', { later: undefined } as never);
  t.is(queue.dequeueSync({ later: undefined } as never).toString(), 'a');
  Queue.unlink(queue.name);
  queue.close();
  (calls['ring.producer']!({ later: undefined } as never) as { close(): void }).close();
});

test('the error names what there is', (t) => {
  const queue = Queue.create({ capacity: 4096 });
  t.teardown(() => {
    Queue.unlink(queue.name);
    queue.close();
  });
  t.throws(() => queue.dequeueSync({ signal: AbortSignal.timeout(1) } as never), {
    ...unknown,
    message: "Expected an option named timeout for options but received 'signal'",
  });
  t.throws(
    () => {
      queue.receive({ tiemout: 5 } as never, () => undefined);
    },
    {
      ...unknown,
      message: "Expected an option named signal or timeout for options but received 'tiemout'",
    },
  );
});

test('what is no options object', (t) => {
  const { calls, close } = everything();
  t.teardown(close);
  for (const value of [[], ['timeout'], Buffer.alloc(1), 'timeout', 5]) {
    t.throws(() => calls['queue.receiveSync']!(value as never), { code: 'ERR_INVALID_ARG_TYPE' });
    t.throws(() => calls['ring.producer']!(value as never), { code: 'ERR_INVALID_ARG_TYPE' });
  }
});

test('acknowledging takes none', (t) => {
  const queue = Queue.create({ capacity: 4096 });
  t.teardown(() => {
    Queue.unlink(queue.name);
    queue.close();
  });
  queue.enqueueSync('a');
  const message = queue.receiveSync();
  const none = { ...unknown, message: "Expected no options for options but received 'delay'" };
  t.throws(() => message.nack({ delay: 100 } as never), none);
  t.throws(() => message.ack({ delay: 100 } as never), none);
  // Neither has done anything.
  t.true(message.ack({}));
});

test('what is called with more than it takes, and no options, does its work', (t) => {
  const queue = Queue.create({ capacity: 4096 });
  const emitter = new EventEmitter();
  const send: (value: string) => boolean = queue.tryEnqueue.bind(queue);
  ['a', 'b'].forEach(send);
  t.is(queue.dequeueSync().toString(), 'a');
  Queue.unlink(queue.name);
  emitter.once('exit', queue.close.bind(queue));
  emitter.emit('exit', 0);
  t.true(queue.closed);
});

test('streams take what Node’s own take', (t) => {
  const { calls, close } = everything();
  t.teardown(close);
  const each = {
    emitClose: true,
    highWaterMark: 5,
    objectMode: false,
    autoDestroy: true,
    signal: new AbortController().signal,
    captureRejections: true,
    destroy: undefined,
    construct: undefined,
  };
  const readable = { ...each, encoding: 'utf8', read: undefined };
  const writable = { ...each, decodeStrings: true, defaultEncoding: 'utf8', final: undefined };
  for (const name of ['DisruptorReadStream', 'QueueReadStream', 'SubscriptionReadStream']) {
    t.true(calls[name]!(readable as never) instanceof EventEmitter, name);
    t.throws(() => calls[name]!({ decodeStrings: true } as never), unknown, name);
  }
  for (const name of ['DisruptorWriteStream', 'QueueWriteStream']) {
    t.true(calls[name]!(writable as never) instanceof EventEmitter, name);
    t.throws(() => calls[name]!({ encoding: 'utf8' } as never), unknown, name);
  }
});

test('what a record or an encoding is made of is no option', (t) => {
  const Point = defineRecord({ x: 'f64', y: 'f64' });
  const encoding = { encode: (value: Buffer) => value, decode: (value: Buffer) => value, more: 1 };
  const name = uniqueName(t);
  const open = { elements: 4, existing: 'replace' } as const;
  t.notThrows(() => {
    Ring.create(name, { ...open, record: Point }).close();
    Ring.open(name, { record: Point }).close();
    Ring.create(name, { ...open, elementSize: 8, encoding }).close();
    Ring.open(name, { encoding }).close();
  });
});
