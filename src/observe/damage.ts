import { coreErrorCode, coreErrorMessage } from '../errors.js';
import { Kind } from '../native/creation.js';
import { Role, SlotFault } from '../native/facts.js';
import type { SegmentFacts } from '../native/facts.js';
import type { Finding } from './finding.js';

const LAST_SEQUENCE = Number.MAX_SAFE_INTEGER;
const octal = (mode: number) => `0${mode.toString(8)}`;

/** What the figures say of a header that is not to be believed. */
function detail({ header, version, mode, bytes }: SegmentFacts): Record<string, string> {
  return {
    ERR_SEGMENT_VERSION: `it has layout ${header.version}, and this is layout ${version}`,
    ERR_SEGMENT_MODE: `its permission bits are ${octal(mode)}, and its creator set ${octal(header.mode)}`,
    ERR_SEGMENT_KIND: `it has kind ${header.kind}`,
    ERR_SEGMENT_TRUNCATED: `its file has ${bytes} bytes, and its header says ${header.bytes}`,
    ERR_SEGMENT_CORRUPT: 'its header was changed, or does not fit itself',
  };
}

/** Why attaching to a segment fails. */
export function headerDamage(facts: SegmentFacts): Finding {
  const code = coreErrorCode(facts.damage);
  const more = detail(facts)[code];
  const reason = coreErrorMessage(facts.damage);
  return { code, reason: more === undefined ? reason : `${reason}: ${more}` };
}

/** Says what is not sound. */
type Check = (sound: boolean, reason: string) => void;

// The core read the tables before the cursor, so in a sound one nothing lies behind it.
function checkRing({ elements, snapshot }: SegmentFacts, check: Check): void {
  const { next, cursor } = snapshot;
  check(cursor <= LAST_SEQUENCE + 1, `The cursor ${cursor} is no sequence`);
  check(next <= LAST_SEQUENCE + 1, `The claims reach to ${next}, which is no sequence`);
  check(
    next - cursor <= elements,
    `${next - cursor} elements are claimed at the cursor, and the ring has ${elements}`,
  );
  for (const one of snapshot.consumers) {
    const who = one.name === '' ? `#${one.index}` : one.name;
    check(one.role <= Role.Member, `Consumer ${who} has the unknown role ${one.role}`);
    const known = one.gates || one.joining || one.detached || one.ignored;
    check(known, `The sequence of consumer ${who} is none`);
    check(
      !one.gates || one.role === Role.Member || one.sequence <= cursor,
      `Consumer ${who} stands at ${one.sequence}, ahead of the cursor at ${cursor}`,
    );
    check(one.handed <= cursor, `Group ${who} has handed out more than is committed`);
    check(
      one.held <= elements,
      `A member holds ${one.held} elements, and the ring has ${elements}`,
    );
  }
}

// The core read the slots before the header, in which whoever writes them takes a sequence before.
function checkBroadcast({ broadcast, elementSize }: SegmentFacts, check: Check): void {
  const { next, cursor, fault } = broadcast;
  const { what, slot, value } = fault;
  check(cursor === 0, `The cursor is ${cursor}, and broadcasts have none`);
  check(next <= LAST_SEQUENCE + 1, `The next sequence ${next} is none`);
  const faults: Record<number, string> = {
    [SlotFault.Ahead]: `has sequence ${value}, ahead of the next at ${next}`,
    [SlotFault.Elsewhere]: `has sequence ${value}, which belongs to another`,
    [SlotFault.Nobody]: `is being written by publisher #${value}, who was never there`,
    [SlotFault.TooLong]: `has a message of ${value} bytes, and the longest have ${elementSize}`,
  };
  check(what === SlotFault.None, `Slot ${slot} ${faults[what] ?? 'is damaged'}`);
}

/** What contradicts itself in a segment whose header is sound. */
export function contentDamage(facts: SegmentFacts): Finding[] {
  const findings: Finding[] = [];
  const check: Check = (sound, reason) => {
    if (!sound) findings.push({ code: 'ERR_SEGMENT_CORRUPT', reason });
  };
  if (facts.kind === Kind.Broadcast) checkBroadcast(facts, check);
  else if (facts.kind !== Kind.Memory) checkRing(facts, check);
  return findings;
}
