// A Redis list, one command at a time.
import { messagesOver } from './redis-lists.js';

export const messages = messagesOver(1);
