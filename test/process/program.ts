// Programs of one process that say by their exit code whether all is well.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Runs Node with those arguments and waits. @throws Error with what it said, unless it ends with 0 */
export async function succeeds(
  t: { teardown(done: () => void): void },
  args: string[],
  environment: NodeJS.ProcessEnv = {},
): Promise<void> {
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...environment },
  });
  t.teardown(() => {
    child.kill('SIGKILL');
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  if (code !== 0) throw new Error(`Ended with ${signal ?? code}: ${said}`);
}
