// A write for each message.
import { messagesOver } from './framed-messages.js';

export const messages = messagesOver(1);
