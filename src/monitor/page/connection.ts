import type { Hello, SegmentLook } from '../look.js';

/** What comes of the monitor. */
export interface Listener {
  hello(hello: Hello): void;
  look(look: SegmentLook[]): void;
  /** The monitor cannot look. */
  failure(reason: string): void;
  /** It is gone; it is tried again. */
  lost(): void;
}

/** Milliseconds after which somebody who was refused tries again. */
const AGAIN = 2000;

/** Listens for ever. A browser connects again by itself, unless it was refused. */
export function connect(listener: Listener): void {
  const source = new EventSource('/events');
  const on = <Value>(type: string, tell: (value: Value) => void) => {
    source.addEventListener(type, ({ data }: MessageEvent<string>) => {
      tell(JSON.parse(data) as Value);
    });
  };
  on<Hello>('hello', (value) => {
    listener.hello(value);
  });
  on<SegmentLook[]>('look', (value) => {
    listener.look(value);
  });
  on<string>('failure', (value) => {
    listener.failure(value);
  });
  source.addEventListener('error', () => {
    listener.lost();
    if (source.readyState !== EventSource.CLOSED) return;
    setTimeout(() => {
      connect(listener);
    }, AGAIN);
  });
}
