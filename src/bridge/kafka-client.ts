/**
 * What a bridge uses of a producer, as KafkaJS has it. The library with the same interface by Confluent
 * fits as well.
 */
export interface KafkaProducer {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  /** Fulfilled when the brokers have acknowledged all of them. */
  send(record: {
    topic: string;
    messages: {
      key: string;
      value: Buffer;
      headers: Record<string, string>;
    }[];
  }): Promise<unknown>;
}

/** A message, as KafkaJS gives it. */
export interface KafkaMessage {
  value: Buffer | null;
  offset: string;
  timestamp: string;
  headers?: Record<string, unknown> | undefined;
}

/** What a handler of batches is given. */
export interface KafkaBatch {
  batch: {
    topic: string;
    partition: number;
    highWatermark: string;
    messages: KafkaMessage[];
  };
  resolveOffset(offset: string): void;
  heartbeat(): Promise<void>;
  isRunning(): boolean;
  isStale(): boolean;
}

/** What a bridge uses of a consumer, as KafkaJS has it. */
export interface KafkaConsumer {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  subscribe(subscription: { topics: string[] }): Promise<void>;
  run(config: {
    autoCommit: boolean;
    eachBatchAutoResolve: boolean;
    partitionsConsumedConcurrently: number;
    eachBatch: (payload: KafkaBatch) => Promise<void>;
  }): Promise<void>;
  /** Told of the end of a consumer that has failed, if the client tells that. */
  on?: (event: 'consumer.crash', listener: (event: unknown) => void) => unknown;
  commitOffsets(offsets: { topic: string; partition: number; offset: string }[]): Promise<void>;
}
