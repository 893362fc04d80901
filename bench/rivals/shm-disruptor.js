import * as library from 'shm-disruptor';

import { ringLinks } from './ring-links.js';
import { ringStreams } from './ring-streams.js';

export const { Disruptor, DisruptorReadStream, DisruptorWriteStream } = library;
export const links = ringLinks(library);
export const streams = ringStreams(library);
