// A message is eight 32-bit words:
//
//    0          1        2 ... 6    7
//   +----------+--------+----------+----------+
//   | producer | number | payload  | checksum |
//   +----------+--------+----------+----------+
//
// Numbers count each producer's messages from 0; its last message has a number of its own. The checksum
// covers the words before it.

export const MESSAGE_BYTES = 32;
/** How many words on the next message begins. */
export const MESSAGE_WORDS = 8;

const PAYLOAD = 2;
const CHECKSUM = 7;

/** The number of a producer's last message. */
export const LAST = 0xffffffff;

/** The words of one of a ring's Buffers, in place. */
export function wordsOf(buf) {
  return new Uint32Array(buf.buffer, buf.byteOffset, buf.length / 4);
}

/** FNV-1a, a word at a time. */
function checksum(words, at) {
  let hash = 0x811c9dc5;
  for (let i = at; i < at + CHECKSUM; i += 1) hash = Math.imul(hash ^ words[i], 0x01000193);
  return hash >>> 0;
}

/** Writes a message at word `at`, and returns its checksum. */
export function writeMessage(words, at, producer, number) {
  words[at] = producer;
  words[at + 1] = number;
  for (let i = PAYLOAD; i < CHECKSUM; i += 1) words[at + i] = Math.imul(number + i, 0x9e3779b1);
  const sum = checksum(words, at);
  words[at + CHECKSUM] = sum;
  return sum;
}

/** The message at word `at`; `intact` says whether it is as it was written. */
export function readMessage(words, at) {
  const sum = words[at + CHECKSUM];
  const intact = sum === checksum(words, at);
  return { producer: words[at], number: words[at + 1], sum, intact };
}
