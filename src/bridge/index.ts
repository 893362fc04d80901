export { Bridge } from './bridge.js';
export type { BridgeOptions } from './bridge.js';
export type { BackoffOptions } from './backoff.js';
export { Disconnected, Undeliverable } from './endpoint.js';
export type {
  AwayOptions,
  BridgeSource,
  BridgeTarget,
  Endpoint,
  EndpointCounts,
} from './endpoint.js';
export type { BridgeMessage } from './bridge-message.js';
export { Unreadable } from './reading.js';
export type { BridgeMetric, BridgeState, BridgeStatistics } from './statistics.js';
export type { PayloadForm } from './payload.js';
export { checkpointName } from './checkpoint.js';
export type { DeliveryOptions } from './delivered.js';
export { ringSource } from './ring-source.js';
export type { SegmentSourceOptions } from './ring-source.js';
export { ringTarget } from './ring-target.js';
export type { RingTargetOptions } from './ring-target.js';
export { queueSource } from './queue-source.js';
export { queueTarget } from './queue-target.js';
export { broadcastSource } from './broadcast-source.js';
export type { BroadcastSourceOptions } from './broadcast-source.js';
export { broadcastTarget } from './broadcast-target.js';
export { natsSource } from './nats-source.js';
export type { DurableOptions } from './nats-consumer.js';
export type { NatsSourceOptions } from './nats-source.js';
export { natsTarget } from './nats-target.js';
export type { NatsTargetOptions } from './nats-target.js';
export type { EngineTls } from './tls.js';
export type { NatsOptions } from './nats-connection.js';
export { redisSource } from './redis-source.js';
export type { RedisSourceOptions } from './redis-source.js';
export { redisTarget } from './redis-target.js';
export type { RedisTargetOptions } from './redis-target.js';
export type { RedisOptions } from './redis-connection.js';
export { kafkaSource } from './kafka-source.js';
export type { KafkaSourceOptions } from './kafka-source.js';
export { kafkaTarget } from './kafka-target.js';
export type { KafkaTargetOptions } from './kafka-target.js';
export type {
  KafkaBatch,
  KafkaConsumer,
  KafkaMessage,
  KafkaOffset,
  KafkaOutgoing,
  KafkaPartitionBatch,
  KafkaProducer,
  KafkaRecord,
  KafkaRun,
} from './kafka-client.js';
