// A Redis list, with pipelines of as many commands as are usual.
import { messagesOver } from './redis-lists.js';

export const messages = messagesOver(100);
