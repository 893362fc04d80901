import { addon } from './addon.js';

/** Has memory that is given back kept for the next who asks, about 32 MiB of it. */
export function keepFreedMemory(): void {
  addon.keepFreedMemory();
}
