import { ascii, defineRecord } from 'shm-disruptor';

// All processes need the same definition; opening a ring compares it.
export const Tick = defineRecord({ price: 'f64', quantity: 'u32', symbol: ascii(8) });
