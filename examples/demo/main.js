// The demo on its own; `shm-disruptor demo` and `npm start` run the same.
import { demo } from './demo.js';

await demo();
