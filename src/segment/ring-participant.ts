import type { Attachment } from './attachment.js';
import { SegmentHandle } from './segment-handle.js';

/** What a participant is attached by. @internal */
export let attachmentOf: (participant: RingParticipant) => Attachment;

/** Somebody who takes part in a ring, until he closes. */
export abstract class RingParticipant extends SegmentHandle {
  /** @internal */
  protected readonly attachment: Attachment;

  static {
    attachmentOf = (participant) => participant.attachment;
  }

  /** @internal */
  constructor(attachment: Attachment) {
    super(attachment);
    this.attachment = attachment;
  }

  /**
   * Names this creation of the segment, in 16 hexadecimal digits: the same for all who have it open,
   * and another after it was created anew, or on another machine. With a sequence it names an element
   * everywhere and for ever.
   */
  get generation(): string {
    return this.attachment.ring.generation.toString(16).padStart(16, '0');
  }
}
