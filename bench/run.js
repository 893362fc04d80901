// All scenarios, or those that are named.
import { commandLine } from './harness/command-line.js';
import { scenarios } from './scenarios.js';

await commandLine(scenarios);
