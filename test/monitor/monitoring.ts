// Running the monitor, and asking it what a browser would never ask.
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingMessage, RequestOptions } from 'node:http';
import { text } from 'node:stream/consumers';

import type { ExecutionContext } from 'ava';

import type { SegmentLook } from '../../dist/monitor/look.js';
import { start } from '../command/command.js';

/** A monitor that runs. */
export interface Running {
  url: string;
  port: number;
  child: ChildProcessWithoutNullStreams;
  /** Sends a signal, and waits for the end: exit code, or the signal's name. */
  end(signal: NodeJS.Signals): Promise<number | string>;
}

/** Starts a monitor at a port that is free, or at the one in `args`; it is killed when the test ends. */
export async function monitor(t: ExecutionContext, ...args: string[]): Promise<Running> {
  const given = args.includes('--port') ? [] : ['--port', '0'];
  const child = start(t, 'monitor', '--json', '--interval', '0.1', ...given, ...args);
  const gone = once(child, 'exit') as Promise<[number | null, string | null]>;
  let said = '';
  let errors = '';
  child.stderr.on('data', (data: Buffer) => (errors += data.toString()));
  for await (const data of child.stdout.iterator({ destroyOnReturn: false })) {
    said += String(data);
    const url = /"url": "(.*)"/.exec(said)?.[1];
    if (url === undefined) continue;
    const end = async (signal: NodeJS.Signals) => {
      child.kill(signal);
      const [code, name] = await gone;
      return code ?? name!;
    };
    return { url, port: Number(new URL(url).port), child, end };
  }
  throw new Error(`The monitor has not started: ${errors}`);
}

/** What came back. */
export interface Answer {
  status: number;
  headers: IncomingMessage['headers'];
  body: string;
}

/** Asks exactly this, paths and headers as they are. */
export async function ask({ port }: Running, options: RequestOptions): Promise<Answer> {
  const asked = request({ host: '127.0.0.1', port, ...options });
  asked.end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  const { statusCode, headers } = response;
  return { status: statusCode!, headers, body: await text(response) };
}

/** What the monitor tells its pages of one segment, look after look, until the connection ends. */
export async function* looks({ url }: Running, name: string): AsyncGenerator<SegmentLook> {
  const { body } = await fetch(new URL('/events', url));
  let rest = '';
  for await (const chunk of body!.pipeThrough(new TextDecoderStream())) {
    const events = (rest + chunk).split('\n\n');
    rest = events.pop()!;
    for (const event of events) {
      const data = /^event: look\ndata: (.*)$/.exec(event)?.[1];
      if (data === undefined) continue;
      const found = (JSON.parse(data) as SegmentLook[]).find((look) => look.name === name);
      if (found) yield found;
    }
  }
}

/** The first look of which this is true. */
export async function lookWhere(
  running: Running,
  name: string,
  condition: (look: SegmentLook) => boolean,
): Promise<SegmentLook> {
  for await (const look of looks(running, name)) if (condition(look)) return look;
  throw new Error('The stream has ended');
}
