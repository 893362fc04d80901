import type { Attachment } from './attachment.js';
import { SegmentHolder } from './holder.js';

/** Somebody who takes part in a ring, until he closes. */
export abstract class Participant extends SegmentHolder {
  /** @internal */
  protected readonly attachment: Attachment;

  /** @internal */
  constructor(attachment: Attachment) {
    super(attachment);
    this.attachment = attachment;
  }
}
