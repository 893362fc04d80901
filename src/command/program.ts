import { readFileSync } from 'node:fs';

import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';

import type { BenchOptions } from './bench.js';
import type { BridgeCommandOptions } from './bridge.js';
import type { MonitorOptions } from './monitor.js';
import type { ReadOptions } from './read.js';
import type { RecoverOptions } from './recover.js';
import type { RemoveOptions } from './remove.js';
import type { TopOptions } from './top.js';
import type { WriteOptions } from './write.js';
import { Exit, fail } from './exit.js';
import type { SegmentDirectory } from '../index.js';
import { leaveDeadTerminals, watchOutput, writeOut } from './standard.js';
import { UsageError } from './usage.js';
import { SORTS } from './view.js';

/** The command line: what there is to say, and which file does it. */

const EXIT_CODES = `
Exit codes: 0 done, 1 failed, 2 wrong command line, 3 (info) the segment is damaged or stuck,
130 interrupted. With --json, errors are JSON on standard error.
Segments are files of /dev/shm, or with --path of another directory; their names may be given with or
without the leading slash.`;

function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** A whole number from `least` on. */
const whole = (least: number) => (text: string) => {
  const value = Number(text);
  if (text.trim() !== '' && Number.isSafeInteger(value) && value >= least) return value;
  throw new InvalidArgumentError(`Expected a whole number from ${least} on.`);
};

function beginning(text: string): string | number {
  if (text === 'latest' || text === 'oldest') return text;
  const sequence = Number(text);
  if (text.trim() !== '' && Number.isSafeInteger(sequence) && sequence >= 0) return sequence;
  throw new InvalidArgumentError('Expected latest, oldest or a sequence.');
}

function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0.05 && value <= 86_400) return value;
  throw new InvalidArgumentError('Expected seconds, from 0.05 to 86400.');
}

function port(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= 65_535) return value;
  throw new InvalidArgumentError('Expected a port, from 0 to 65535.');
}

const examples = (...lines: string[]) =>
  `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`;

/** A command that finds segments where it is told. */
const placed = (command: Command): Command =>
  command.option('--path <directory>', 'where the segments are files (default: shared memory)');

/** Options with which `write` and `read` create what is not there. */
function creating(command: Command): Command {
  return placed(command)
    .option(
      '-l, --lines',
      'one message a line; where there is nothing yet, make a ring of messages',
    )
    .addOption(
      new Option(
        '--queue',
        'where there is nothing yet, make a queue: each message for one reader',
      ).conflicts(['broadcast', 'memory']),
    )
    .addOption(
      new Option(
        '--broadcast',
        'where there is nothing yet, make a broadcast: for whoever is there in time',
      ).conflicts('memory'),
    )
    .option(
      '--capacity <n>',
      'of what is made: elements of a ring, messages of a broadcast, bytes of a stream or queue',
      whole(1),
    )
    .option('--max-message <bytes>', 'of what is made: the longest message', whole(1))
    .option(
      '--readers <n>',
      'of a ring that is made: how many readers are waited for (default: 1)',
      whole(1),
    )
    .option('--no-create', 'only attach to what is there')
    .option('--rm', 'take the name away at the end');
}

/** A command that can print JSON. */
const json = (command: Command): Command => command.option('--json', 'print JSON');

/** Does what a command is to do, and says what went wrong. */
function doing<Arguments extends unknown[]>(action: (...all: Arguments) => Promise<void>) {
  return async (...all: Arguments): Promise<void> => {
    try {
      await action(...all);
    } catch (error) {
      const given = all.find((each) => typeof each === 'object' && each !== null && 'json' in each);
      fail(error, (given as { json?: boolean } | undefined)?.json === true);
    }
  };
}

function looking(program: Command): void {
  placed(json(program.command('ls')))
    .description(
      'list all segments: geometry, owner, who takes part, lag, and whether they are stuck',
    )
    .addHelpText(
      'after',
      examples(
        'shm-disruptor ls',
        'shm-disruptor ls --path /var/lib/orders',
        "shm-disruptor ls --json | jq '.[].name'",
      ),
    )
    .action(
      doing(async (options: { json?: boolean } & SegmentDirectory) => {
        await (await import('./list.js')).list(options);
      }),
    );
  placed(json(program.command('info')))
    .argument('<name>', 'of the segment')
    .description('show all that can be seen of one segment, also of a damaged one')
    .addHelpText('after', examples('shm-disruptor info /ticks', 'shm-disruptor info /ticks --json'))
    .action(
      doing(async (name: string, options: { json?: boolean } & SegmentDirectory) => {
        await (await import('./info.js')).info(name, options);
      }),
    );
  placed(json(program.command('top')))
    .argument('[name]', 'of the segment; default: all')
    .description('watch segments live; a line each where standard output is no terminal')
    .option('-i, --interval <seconds>', 'between two looks', seconds, 1)
    .option('-n, --count <n>', 'end after so many looks', whole(1))
    .addOption(new Option('-s, --sort <by>', 'sort by').choices(SORTS).default('name'))
    .addHelpText(
      'after',
      `\nKeys: q quit, p or space pause, s sort, arrows scroll.${examples(
        'shm-disruptor top',
        'shm-disruptor top /ticks --interval 0.2',
        'shm-disruptor top --count 60 >> segments.log',
      )}`,
    )
    .action(
      doing(async (name: string | undefined, options: TopOptions) => {
        await (await import('./top.js')).top(name, options);
      }),
    );
  json(program.command('monitor'))
    .description('serve a page that shows all segments live, and their figures for Prometheus')
    .option('-p, --port <n>', 'to listen at; 0 for any that is free', port, 7470)
    .option('--host <name>', 'to listen at: beyond this machine if you say so', '127.0.0.1')
    .option('--allow-host <names...>', 'further names by which browsers may call it')
    .option('-i, --interval <seconds>', 'between two looks', seconds, 0.5)
    .addHelpText(
      'after',
      `\nNobody looks while no page is open. Metrics are at /metrics.${examples(
        'shm-disruptor monitor',
        'shm-disruptor monitor --port 8080 --interval 0.2',
      )}`,
    )
    .action(
      doing(async (options: MonitorOptions) => {
        await (await import('./monitor.js')).monitor(options, version());
      }),
    );
}

function moving(program: Command): void {
  creating(json(program.command('write')))
    .argument('<name>', 'of the segment')
    .description('send standard input: bytes, or a message for each line; or copy it into memory')
    .option('--memory', 'where there is nothing yet, make plain memory')
    .option('--size <bytes>', 'of memory that is made (default: of the input)', whole(1))
    .option('--offset <bytes>', 'of memory: where the bytes go to', whole(0))
    .option('--more', 'more will follow: do not tell the readers of a stream that it has ended')
    .addHelpText(
      'after',
      `\nA ring of bytes gets bytes as they come. Others get a message for each line: queues, rings of
messages, and rings of raw elements, where zeros follow the line. Broadcasts of bytes get a message for
each line with --lines, and bytes as they come without; they never wait for a reader. Plain memory gets
all of the input, or nothing when it does not fit.${examples(
        'tail -f log | shm-disruptor write /log',
        'shm-disruptor write /jobs --queue < jobs.txt',
        'sensor | shm-disruptor write /temperature --broadcast --lines',
        'shm-disruptor write /config --memory --size 4096 < config.json',
      )}`,
    )
    .action(
      doing(async (name: string, options: WriteOptions) => {
        await (await import('./write.js')).write(name, options);
      }),
    );
  creating(json(program.command('read')))
    .argument('<name>', 'of the segment')
    .description(
      'write what comes to standard output: bytes, or a line for each message; or memory',
    )
    .option('--memory', 'it is plain memory')
    .option('--offset <bytes>', 'of memory: where the bytes begin', whole(0))
    .option('--length <bytes>', 'of memory: how many (default: up to its end)', whole(0))
    .option(
      '--as <consumer>',
      "the consumer to be (default: '0', or a nameless one where there is none)",
    )
    .option(
      '--from <where>',
      'where a new consumer or a subscriber begins: latest, oldest or a sequence',
      beginning,
    )
    .option('--group', 'share the messages with the other members of the group --as')
    .option('-n, --count <n>', 'end after so many messages', whole(1))
    .option('--no-wait', 'end when there is nothing left')
    .addHelpText(
      'after',
      `\nThis takes part: producers wait for a reader, and it has what it reads for itself in a queue.
Who only wants to look uses info or top. What is not written out when it ends is given again.
Nobody waits for who reads a broadcast: what it was too slow for is told on standard error, and with --json
as \`lost\` of the message that follows. Plain memory is written out and left as it is.${examples(
        'shm-disruptor read /log | grep error',
        'shm-disruptor read /jobs --queue --count 1',
        'shm-disruptor read /orders --as audit --from oldest --json',
        'shm-disruptor read /temperature --from oldest --no-wait',
        'shm-disruptor read /config --length 100',
      )}`,
    )
    .action(
      doing(async (name: string, options: ReadOptions) => {
        await (await import('./read.js')).read(name, options);
      }),
    );
}

function bridging(program: Command): void {
  json(program.command('bridge'))
    .argument(
      '<from>',
      'a segment, or nats://[user:password@]host[:port]/stream, redis://[user:password@]host[:port]/key',
    )
    .argument('<to>', 'the same')
    .description('forward messages from a ring or queue to NATS or Redis, or back')
    .option(
      '--as <name>',
      'consumer of the ring, durable consumer or group of the engine',
      'bridge',
    )
    .option(
      '--subject <subject>',
      'at NATS: of what is sent (default: the name of the stream); of what is taken (default: all)',
    )
    .option('--no-create', 'make no stream, consumer or group: use them as they are')
    .option('--creds <file>', 'NATS: credentials of a user, as nsc makes them')
    .option(
      '--password-file <file>',
      'whose first line is the password of the URL’s user, or at NATS, without a user, the token',
    )
    .option('--ca <file>', 'TLS: the authorities that the server’s certificate is checked against')
    .option('--cert <file>', 'TLS: this client’s certificate')
    .option('--key <file>', 'TLS: the key of that certificate')
    .option('--max-length <n>', 'how many entries a stream of Redis keeps, about', whole(1))
    .option('--max-in-flight <n>', 'messages under way at a time', whole(1))
    .option('--at-most-once', 'acknowledge first, and send once')
    .option('--checkpoint <name>', 'under which a ring or queue remembers what has come', 'bridge')
    .option('--skip', 'leave out what can never be delivered, and count it')
    .option('-i, --interval <seconds>', 'between two reports', seconds, 1)
    .addHelpText(
      'after',
      `\nEvery message arrives at least once, in order; docs/guide/bridges.md says what that means.
tls:// and rediss:// insist on TLS. Others on this machine see the URL: better than a password in it is
--password-file or --creds. What an engine refuses ends the command with exit code 1.${examples(
        'shm-disruptor bridge /ticks nats://b:4222/ticks --as to-nats',
        'shm-disruptor bridge /ticks tls://b/ticks --creds /etc/ticks.creds --ca /etc/ca.pem',
        'shm-disruptor bridge redis://b:6379/jobs /jobs --checkpoint from-redis --json',
      )}`,
    )
    .action(
      doing(async (from: string, to: string, options: BridgeCommandOptions) => {
        await (await import('./bridge.js')).bridge(from, to, options);
      }),
    );
}

function mending(program: Command): void {
  placed(json(program.command('rm')))
    .argument('[names...]', 'of segments')
    .description('remove segments that nobody uses')
    .option('--stale', 'all segments to which nobody who lives is attached')
    .option('-y, --yes', 'do not ask')
    .option(
      '-f, --force',
      'also when somebody is attached: those go on, and nobody new finds it; after asking, also a file that is not a segment',
    )
    .addHelpText(
      'after',
      examples(
        'shm-disruptor rm /ticks',
        'shm-disruptor rm --stale --yes',
        'shm-disruptor rm /orders --path /var/lib/orders',
      ),
    )
    .action(
      doing(async (names: string[], options: RemoveOptions) => {
        await (await import('./remove.js')).remove(names, options);
      }),
    );
  placed(json(program.command('recover')))
    .argument('<name>', 'of the segment')
    .description('close what dead producers hold up, and let go of dead consumers')
    .option(
      '-d, --detach <consumers...>',
      'consumers or groups that producers are no longer to wait for',
    )
    .addHelpText(
      'after',
      `\nWhoever waits does the former by itself. What a detached consumer had not read is lost to it.
In broadcasts and plain memory nothing waits for the dead.${examples(
        'shm-disruptor recover /ticks',
        'shm-disruptor recover /ticks --detach journal',
      )}`,
    )
    .action(
      doing(async (name: string, options: RecoverOptions) => {
        await (await import('./recover.js')).recover(name, options);
      }),
    );
}

function trying(program: Command): void {
  json(program.command('bench'))
    .description('measure round trips and throughput between two processes on this machine')
    .option('-s, --seconds <seconds>', 'for each of four measurements', seconds, 2)
    .option('--size <bytes>', 'of a message', whole(1), 64)
    .addHelpText(
      'after',
      examples('shm-disruptor bench', 'shm-disruptor bench --seconds 10 --size 1024'),
    )
    .action(
      doing(async (options: BenchOptions) => {
        await (await import('./bench.js')).bench(options);
      }),
    );
  json(program.command('demo'))
    .description('move real data between processes, and check it')
    .addHelpText('after', examples('shm-disruptor demo'))
    .action(
      doing(async (options: { json?: boolean }) => {
        await (await import('./demo.js')).demo(options);
      }),
    );
}

/** Says what the parser does not like: in its own words, with help, or as JSON. */
function complain({ message }: CommanderError, words: string, asJson: boolean): void {
  if (asJson) {
    fail(new UsageError(message.replace(/^error: /, '')), true);
    return;
  }
  process.exitCode = Exit.Usage;
  console.error(words.trimEnd());
}

/** Runs the command that `argv` says. */
export async function run(argv: string[]): Promise<void> {
  const asJson = argv.includes('--json');
  const written = { help: '', complaint: '' };
  watchOutput((error) => {
    fail(error, asJson);
    process.exit();
  });
  process.once('exit', leaveDeadTerminals);
  const program = new Command('shm-disruptor')
    .description(
      'See, use and mend rings, queues, broadcasts and plain memory that processes share.',
    )
    .version(version())
    .showHelpAfterError('(--help says more)')
    .addHelpText('after', EXIT_CODES)
    .configureOutput({
      writeOut: (text) => (written.help += text),
      writeErr: (text) => (written.complaint += text),
    })
    .exitOverride();
  looking(program);
  moving(program);
  bridging(program);
  mending(program);
  trying(program);
  try {
    await program.parseAsync(argv);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) await doing(() => writeOut(written.help))();
    else complain(error, written.complaint, asJson);
  }
}
