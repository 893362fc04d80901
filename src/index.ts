export { Disruptor } from './compatible/disruptor.js';
export type {
  ClaimCallback,
  ClaimManyCallback,
  CommitCallback,
  ConsumeCallback,
} from './compatible/disruptor.js';
export { Ring } from './ring/ring.js';
export type {
  EncodedSlots,
  OpenedSlots,
  RawSlots,
  RecordSlots,
  RingOf,
  RingSlots,
} from './ring/ring.js';
export type {
  ConsumerDeclaration,
  JoinOptions,
  RingOptions,
  RingWaiting,
} from './ring/ring-options.js';
export type { Callback, Claim, RingProducer, SyncWaitOptions } from './ring/ring-producer.js';
export type { RingConsumer } from './ring/ring-consumer.js';
export type { SegmentHolder } from './segment/holder.js';
export type { SegmentPath } from './segment/location.js';
export type { Participant } from './segment/participant.js';
export type { Batch } from './ring/batch.js';
export type { BatchHandler, ErrorVerdict, ProcessOptions } from './ring/handler.js';
export type {
  ConsumerStatistics,
  ProducerStatistics,
  RingStatistics,
  Sleepers,
} from './ring/statistics.js';
export type { Claimed, ClaimedMany, ClaimRange } from './ring/producer.js';
export type { Consumed } from './ring/consumer.js';
export type {
  AttachmentMessage,
  DeathMessage,
  Gap,
  GapMessage,
  OpenClaims,
  SlowConsumer,
  StallMessage,
  UnlinkedMessage,
} from './segment/events.js';
export type { DeadConsumers, Orphans, Producers } from './native/creation.js';
export { listSegments, unlinkSegment } from './segment/segments.js';
export type { ConsumerCount, Losses, Participants, SegmentInfo } from './segment/segments.js';
export type { DisruptorArguments, DisruptorOptions } from './compatible/options.js';
export type { OnUnlinked, WaitStrategy } from './waiting/strategy.js';
export type { WaitOptions } from './waiting/waiter.js';
export { DisruptorError, UnreadableMessageError } from './errors.js';
export type { DisruptorErrorCode, PartlySent } from './errors.js';
export { DisruptorReadStream } from './compatible/read-stream.js';
export { DisruptorWriteStream } from './compatible/write-stream.js';
export { ascii, bytes, utf8 } from './values/field-types.js';
export type {
  FieldInput,
  FieldType,
  FieldValue,
  ScalarType,
  SizedType,
} from './values/field-types.js';
export { defineRecord } from './values/record.js';
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
} from './values/record.js';
export type {
  AnyEncoding,
  DecodedValue,
  Decoder,
  EncodableValue,
  Encoding,
  EncodingName,
  EncodingOption,
} from './values/encoding.js';
export { Queue } from './queue/queue.js';
export type { Bytes, QueueOf, Space } from './queue/queue.js';
export type { Holders, QueueStatistics } from './queue/queue-statistics.js';
export type { QueueFormat, QueueOptions } from './queue/queue-options.js';
export type { Message } from './queue/message.js';
export { QueueReadStream, QueueWriteStream } from './queue/queue-streams.js';
export { Broadcast } from './broadcast/broadcast.js';
export type {
  BroadcastOf,
  BroadcastSlot,
  BroadcastStatistics,
  SubscribeOptions,
} from './broadcast/broadcast.js';
export type { BroadcastFormat, BroadcastOptions } from './broadcast/broadcast-options.js';
export type { From, Landed, Received, Subscription } from './broadcast/subscription.js';
export { SubscriptionReadStream } from './broadcast/subscription-stream.js';
export { SharedMemory } from './memory/shared-memory.js';
export type { MemoryOpening, MemoryOptions, WordChange } from './memory/shared-memory.js';
