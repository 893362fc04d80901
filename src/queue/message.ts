import { noOptions, type NoOptions } from '../validate.js';

/** What a message of a queue can be asked. */
export interface Acknowledgement {
  /** Ends it. False: it was ended before. */
  finish(): boolean;
  /** Gives it to the next consumer. False: it was ended before. */
  giveBack(): boolean;
}

/** A message that was received and is to be acknowledged. */
export class Message<Out> {
  /**
   * What was sent. Without an encoding a view of shared memory, without a copy: gone once it is
   * acknowledged or given back.
   */
  readonly data: Out;
  /** Its place among all that was sent: a later message has a higher one. Not every one is used. */
  readonly sequence: number;
  /** Whether somebody had it before, and died, closed or gave it back. */
  readonly redelivered: boolean;
  /**
   * How often it was delivered, this time included: received to be acknowledged, taken by a stream, or
   * tried to decode.
   */
  readonly deliveries: number;
  readonly #acknowledgement: Acknowledgement;

  /** @internal */
  constructor(
    facts: Pick<Message<Out>, 'data' | 'sequence' | 'redelivered' | 'deliveries'>,
    acknowledgement: Acknowledgement,
  ) {
    this.data = facts.data;
    this.sequence = facts.sequence;
    this.redelivered = facts.redelivered;
    this.deliveries = facts.deliveries;
    this.#acknowledgement = acknowledgement;
  }

  /** It is done: nobody gets it any more. @returns false when it was acknowledged or given back */
  ack(options?: NoOptions): boolean {
    noOptions(options);
    return this.#acknowledgement.finish();
  }

  /** Somebody is to do it again: another consumer, or this one. @returns as {@link Message.ack} */
  nack(options?: NoOptions): boolean {
    noOptions(options);
    return this.#acknowledgement.giveBack();
  }

  /** `using`: gives it back, unless it was acknowledged. */
  [Symbol.dispose](): void {
    this.nack();
  }
}
