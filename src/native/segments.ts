import { addon } from './addon.js';
import type { SegmentFacts } from './facts.js';

export function unlink(name: string): void {
  addon.unlink(name);
}

/** Every segment of ours that this user may read in a directory, by name; empty for the usual one. */
export function list(directory: string): SegmentFacts[] {
  return addon.list(directory);
}

/** One of them. Nothing is mapped, locked or changed. */
export function inspect(name: string): SegmentFacts {
  return addon.inspect(name);
}

/** What a user is called; empty where the system does not know. */
export function userName(user: number): string {
  return addon.userName(user);
}
