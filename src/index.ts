export { Disruptor } from './disruptor.js';
export type {
  ClaimCallback,
  ClaimManyCallback,
  CommitCallback,
  ConsumeCallback,
  SyncWaitOptions,
} from './disruptor.js';
export type { Claimed, ClaimedMany, ClaimRange } from './producer.js';
export type { Consumed, Gap, GapMessage } from './consumer.js';
export type { DeadConsumers, Orphans } from './native.js';
export type { ConsumerCount, Losses, Participants, SegmentInfo } from './segments.js';
export type { DisruptorArguments, DisruptorOptions } from './options.js';
export type { WaitStrategy } from './strategy.js';
export type { WaitOptions } from './waiting.js';
export { DisruptorError } from './errors.js';
export type { DisruptorErrorCode } from './errors.js';
export { DisruptorReadStream } from './read-stream.js';
export { DisruptorWriteStream } from './write-stream.js';
