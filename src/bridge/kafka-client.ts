/** What goes to a topic. */
export interface KafkaRecord {
  /** Where to. */
  topic: string;
  /** In their order. */
  messages: KafkaOutgoing[];
}

/** A message to be sent. */
export interface KafkaOutgoing {
  /** Decides on the partition. */
  key: string;
  /** Its bytes. */
  value: Buffer;
  /** What travels beside them. */
  headers: Record<string, string>;
}

/**
 * What a bridge uses of a producer, as KafkaJS has it. The library with the same interface by Confluent
 * fits as well.
 */
export interface KafkaProducer {
  /** Connects. */
  connect(): Promise<void>;
  /** Ends it. */
  disconnect(): Promise<void>;
  /** Fulfilled when the brokers have acknowledged all of them. */
  send(record: KafkaRecord): Promise<unknown>;
}

/** A message, as KafkaJS gives it. */
export interface KafkaMessage {
  /** Its bytes; null for one that only says that its key is gone. */
  value: Buffer | null;
  /** Its place in the partition. */
  offset: string;
  /** Milliseconds since 1970. */
  timestamp: string;
  /** What travels beside the bytes: Buffers, or lists of them. */
  headers?: Record<string, unknown> | undefined;
}

/** Messages of one partition. */
export interface KafkaPartitionBatch {
  /** Where from. */
  topic: string;
  /** The partition's number. */
  partition: number;
  /** The offset of what comes next in it, at the broker. */
  highWatermark: string;
  /** In their order. */
  messages: KafkaMessage[];
}

/** What a handler of batches is given. */
export interface KafkaBatch {
  /** The messages. */
  batch: KafkaPartitionBatch;
  /** All up to this offset are done with: the next batch begins behind it. */
  resolveOffset(offset: string): void;
  /** Says that the consumer lives. */
  heartbeat(): Promise<void>;
  /** Whether the consumer goes on. */
  isRunning(): boolean;
  /** Whether the partition is no longer this consumer's. */
  isStale(): boolean;
}

/** How a consumer is run. */
export interface KafkaRun {
  /** Whether the client commits by itself. */
  autoCommit: boolean;
  /** Whether a batch is done with when its handler has ended. */
  eachBatchAutoResolve: boolean;
  /** How many handlers at a time. */
  partitionsConsumedConcurrently: number;
  /** The handler. */
  eachBatch: (payload: KafkaBatch) => Promise<void>;
}

/** An offset to be committed: that of the next message. */
export interface KafkaOffset {
  /** Where. */
  topic: string;
  /** The partition's number. */
  partition: number;
  /** The first that is not done with. */
  offset: string;
}

/** What a bridge uses of a consumer, as KafkaJS has it. */
export interface KafkaConsumer {
  /** Connects. */
  connect(): Promise<void>;
  /** Ends it, when its handlers have ended. */
  disconnect(): Promise<void>;
  /** Says what it is to read. */
  subscribe(subscription: { topics: string[] }): Promise<void>;
  /** Begins. */
  run(config: KafkaRun): Promise<void>;
  /** Has the broker remember them for the consumer's group. */
  commitOffsets(offsets: KafkaOffset[]): Promise<void>;
  /** Calls back when the consumer has failed, if the client tells that. */
  on?: (event: 'consumer.crash', listener: (event: unknown) => void) => unknown;
}
