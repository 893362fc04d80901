import { ascii, defineRecord } from 'shm-disruptor';

/** What the ticker publishes. */
export const Price = defineRecord({ symbol: ascii(8), cents: 'u32', last: 'bool' });
