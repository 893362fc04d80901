export { Disruptor } from './compatible/disruptor.js';
export type {
  ClaimCallback,
  ClaimManyCallback,
  CommitCallback,
  ConsumeCallback,
} from './compatible/disruptor.js';
export { Ring } from './ring/ring.js';
export type {
  EncodedElements,
  OpenedElements,
  RawElements,
  RecordElements,
  RingOf,
  RingElements,
} from './ring/ring.js';
export type {
  ConsumerDeclaration,
  JoinOptions,
  RingOptions,
  AttachOptions,
} from './ring/ring-options.js';
export type { ResultCallback, Claim, RingProducer, SyncWaitOptions } from './ring/ring-producer.js';
export type { RingConsumer } from './ring/ring-consumer.js';
export type { SegmentHandle } from './segment/segment-handle.js';
export type { SegmentDirectory } from './segment/location.js';
export type { RingParticipant } from './segment/ring-participant.js';
export type { Batch } from './ring/batch.js';
export type { BatchHandler, ErrorAction, ProcessOptions } from './ring/handler.js';
export type {
  ConsumerStatistics,
  ProducerStatistics,
  RingStatistics,
  WaiterState,
} from './ring/statistics.js';
export type { Claimed, ClaimedMany, ClaimRange } from './ring/producer.js';
export type { Consumed } from './ring/consumer.js';
export type {
  AttachmentMessage,
  DeathMessage,
  Gap,
  GapMessage,
  ProducerClaims,
  SlowConsumer,
  StallMessage,
  UnlinkedMessage,
} from './segment/events.js';
export type { DeadConsumerPolicy, OrphanPolicy, ProducerMode } from './native/creation.js';
export { listSegments, unlinkSegment } from './segment/segments.js';
export type { ConsumerCount, GapCount, ParticipantCount, SegmentInfo } from './segment/segments.js';
export type { DisruptorArguments, DisruptorOptions } from './compatible/options.js';
export type { OnUnlinked, WaitStrategy } from './waiting/strategy.js';
export type { WaitOptions } from './waiting/waiter.js';
export { DisruptorError, UnreadableMessageError } from './errors.js';
export type { DisruptorErrorCode, PartialSendError } from './errors.js';
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
export type { BytesInput, QueueOf, Space } from './queue/queue.js';
export type { HolderCount, QueueStatistics } from './queue/queue-statistics.js';
export type { QueueOpenOptions, QueueOptions } from './queue/queue-options.js';
export type { Message } from './queue/message.js';
export { QueueReadStream, QueueWriteStream } from './queue/queue-streams.js';
export { Broadcast } from './broadcast/broadcast.js';
export type {
  BroadcastOf,
  BroadcastSlot,
  BroadcastStatistics,
  SubscribeOptions,
} from './broadcast/broadcast.js';
export type { BroadcastOpenOptions, BroadcastOptions } from './broadcast/broadcast-options.js';
export type {
  StartPosition,
  CopiedMessage,
  ReceivedMessage,
  Subscription,
} from './broadcast/subscription.js';
export { SubscriptionReadStream } from './broadcast/subscription-stream.js';
export { SharedMemory } from './memory/shared-memory.js';
export type {
  SharedMemoryOpenOptions,
  SharedMemoryOptions,
  WaitResult,
} from './memory/shared-memory.js';
