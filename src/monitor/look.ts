/**
 * What the page is told at every look: the types of the JSON in the stream, known to both sides. This
 * file imports nothing, since the page is compiled for browsers.
 */

/** A consumer, a group or a member of one. */
export interface ConsumerLook {
  /** Of its entry in the table. */
  index: number;
  /** A member has its group's name. */
  name: string;
  role: 'consumer' | 'group' | 'member';
  /** What has become of it, in a word: `alive`, `dead`, `gone`, `empty`, `never came`. */
  life: string;
  /** What its sequence means to producers. */
  gating: string;
  /** 0 for nobody yet. */
  pid: number;
  /** First sequence that it has not committed; undefined where it does not gate. */
  sequence?: number | undefined;
  /** Elements that are committed and it has not yet committed. */
  lag: number;
  /** A group: elements that nobody was given. */
  unread: number;
  /** A member: elements that it was given and has not done with. */
  held: number;
  /** Elements a second; undefined at the first look, and where it does not gate. */
  rate?: number | undefined;
  /** Names of those that it comes after. */
  after: string[];
}

/** Somebody who has claimed. */
export interface ProducerLook {
  index: number;
  life: string;
  pid: number;
  /** Elements that are claimed and not committed. */
  claimed: number;
  /** The first of them. */
  first?: number | undefined;
}

/** A ring at one moment. */
export interface RingLook {
  elements: number;
  /** First sequence that nobody has claimed. */
  next: number;
  /** All below it is committed. */
  cursor: number;
  /** The smallest sequence of those who gate. */
  gating?: number | undefined;
  /** Elements that cannot be claimed now. */
  used: number;
  /** What is claimed at the cursor and holds up what is committed behind it; `end` is the last. */
  open?: { start: number; end: number; orphaned: boolean } | undefined;
  /** What was lost with its producers since creation. */
  gaps: { count: number; elements: number };
  /** Who sleeps. */
  waiting: { data: boolean; space: boolean };
  /** Elements committed a second; undefined at the first look. */
  rate?: number | undefined;
  consumers: ConsumerLook[];
  producers: ProducerLook[];
}

/** A segment at one moment. */
export interface SegmentLook {
  /** With a leading slash. */
  name: string;
  /** `disruptor`, `queue` and further ones. */
  kind: string;
  /** The same as long as the name means the same object. */
  object: string;
  bytes: number;
  /** Its owner, by name if that is known. */
  owner: string;
  /** Milliseconds since 1970. */
  created: number;
  /** Milliseconds since 1970. */
  seen: number;
  /** As `4096 x 8 B`; undefined where the header is not to be believed. */
  geometry?: string | undefined;
  /** In a word: `in use`, `unused`, `stuck`, `damaged`. */
  state: string;
  /** Why, and what stood still since the last look: sentences without full stops. */
  notes: string[];
  /** Of the kinds that are rings. */
  ring?: RingLook | undefined;
}

/** The first thing that the page is told, whenever it connects. */
export interface Hello {
  /** Of the package: a page of another one loads itself again. */
  version: string;
  /** Seconds between two looks. */
  interval: number;
}
