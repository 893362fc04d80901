import { coreErrorCode, coreErrorMessage } from '../errors.js';
import { Role } from '../native.js';
import type { SegmentFacts } from '../native.js';
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

/**
 * What contradicts itself in the tables of a segment whose header is sound. The core read them before
 * the cursor, so in a sound one nothing lies behind it.
 */
export function contentDamage({ elements, census }: SegmentFacts): Finding[] {
  const findings: Finding[] = [];
  const check = (sound: boolean, reason: string) => {
    if (!sound) findings.push({ code: 'ERR_SEGMENT_CORRUPT', reason });
  };
  const { next, cursor } = census;
  check(cursor <= LAST_SEQUENCE + 1, `The cursor ${cursor} is no sequence`);
  check(next <= LAST_SEQUENCE + 1, `The claims reach to ${next}, which is no sequence`);
  check(
    next - cursor <= elements,
    `${next - cursor} elements are claimed at the cursor, and the ring has ${elements}`,
  );
  for (const one of census.consumers) {
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
  return findings;
}
