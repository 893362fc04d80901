// All scenarios, or those that are named.
import { scenario as consumers } from './consumers.js';
import { commandLine } from './harness/command-line.js';
import { scenario as roundTrip } from './round-trip.js';
import { scenario as streams } from './streams.js';
import { scenario as syncBatches } from './sync-batches.js';
import { scenario as syncLoop } from './sync-loop.js';

await commandLine([syncLoop, syncBatches, consumers, roundTrip, streams]);
