export { Disruptor } from './disruptor.js';
export type {
  ClaimCallback,
  ClaimManyCallback,
  CommitCallback,
  ConsumeCallback,
} from './disruptor.js';
export type {
  DisruptorRing,
  EncodedSlots,
  OpenedSlots,
  RawSlots,
  RecordSlots,
  RingOf,
  RingSlots,
} from './ring.js';
export type { ConsumerDeclaration, JoinOptions, RingOptions, RingWaiting } from './ring-options.js';
export type { Callback, Claim, DisruptorProducer, SyncWaitOptions } from './disruptor-producer.js';
export type { DisruptorConsumer } from './disruptor-consumer.js';
export type { Participant } from './participant.js';
export type { Batch } from './batch.js';
export type { BatchHandler, ErrorVerdict, ProcessOptions } from './handler.js';
export type {
  ConsumerStatistics,
  ProducerStatistics,
  RingStatistics,
  Sleepers,
} from './statistics.js';
export type { Claimed, ClaimedMany, ClaimRange } from './producer.js';
export type { Consumed } from './consumer.js';
export type {
  AttachmentMessage,
  DeathMessage,
  Gap,
  GapMessage,
  OpenClaims,
  SlowConsumer,
  StallMessage,
} from './events.js';
export type { DeadConsumers, Orphans, Producers } from './native.js';
export type { ConsumerCount, Losses, Participants, SegmentInfo } from './segments.js';
export type { DisruptorArguments, DisruptorOptions } from './options.js';
export type { WaitStrategy } from './strategy.js';
export type { WaitOptions } from './waiting.js';
export { DisruptorError } from './errors.js';
export type { DisruptorErrorCode } from './errors.js';
export { DisruptorReadStream } from './read-stream.js';
export { DisruptorWriteStream } from './write-stream.js';
export { ascii, bytes, utf8 } from './field-types.js';
export type { FieldInput, FieldType, FieldValue, ScalarType, SizedType } from './field-types.js';
export { defineRecord } from './record.js';
export type {
  RecordCursor,
  RecordField,
  RecordInput,
  RecordPosition,
  RecordSchema,
  RecordType,
  RecordValue,
  SchemaInput,
  SchemaValue,
} from './record.js';
export type {
  AnyEncoding,
  DecodedValue,
  Decoder,
  EncodableValue,
  Encoding,
  EncodingName,
  EncodingOption,
} from './encoding.js';
export { Queue } from './queue.js';
export type { Bytes, QueueOf, Space } from './queue.js';
export type { Holders, QueueStatistics } from './queue-statistics.js';
export type { QueueFormat, QueueOptions } from './queue-options.js';
export type { Message } from './message.js';
export { QueueReadStream, QueueWriteStream } from './queue-streams.js';
