const BASIS = 0xcbf29ce484222325n;
const PRIME = 0x100000001b3n;

/**
 * A number of 64 bits that says what bytes mean: FNV-1a over the UTF-8 bytes of `description`. The
 * same in every process and in every release, because it is kept in segments. It tells mistakes
 * apart, not malice.
 */
export function fingerprint(description: string): bigint {
  let hash = BASIS;
  for (const byte of Buffer.from(description)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * PRIME);
  }
  return hash;
}
