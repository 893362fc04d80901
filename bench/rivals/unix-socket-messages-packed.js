// A hundred messages in each write, which is more than most who use sockets do.
import { messagesOver } from './framed-messages.js';

export const messages = messagesOver(100);
