// All scenarios, in the order in which they run.
import { scenario as afterIdling } from './after-idling.js';
import { scenario as bridge } from './bridge.js';
import { scenario as broadcast } from './broadcast.js';
import { scenario as consumers } from './consumers.js';
import { scenario as idle } from './idle.js';
import { scenario as queue } from './queue.js';
import { scenario as readers } from './readers.js';
import { scenario as records } from './records.js';
import { scenario as roundTrip } from './round-trip.js';
import { scenario as streams } from './streams.js';
import { scenario as syncLoop } from './sync-loop.js';
import { scenario as throughput } from './throughput.js';
import { scenario as topologies } from './topologies.js';

export const scenarios = [
  syncLoop,
  throughput,
  consumers,
  roundTrip,
  afterIdling,
  idle,
  streams,
  readers,
  topologies,
  queue,
  broadcast,
  records,
  bridge,
];
