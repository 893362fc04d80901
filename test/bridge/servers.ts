// The servers of the engines, with their types.

/** The engines that can be had here. */
export type Engine = 'nats' | 'redis';

/** A server that belongs to the test: see scripts/engines.js. */
export interface Server {
  readonly url: string;
  /** Host and port. */
  readonly address: string;
  again(): Promise<void>;
  kill(): Promise<void>;
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void;
  end(): Promise<void>;
}

interface Engines {
  readonly Server: {
    /** `more` gives further arguments for the server's command line. */
    start: (this: unknown, engine: Engine, more?: (port: number) => string[]) => Promise<Server>;
  };
  readonly programOf: (engine: Engine) => string | undefined;
}

export const { Server, programOf } = (await import(
  new URL('../../../scripts/engines.js', import.meta.url).href
)) as Engines;
