// What one process or thread of a measurement does, wherever it runs.

// Monotonic and the same for all processes of a machine.
const now = () => Number(process.hrtime.bigint());

/**
 * Gets one part of a scenario ready: calls its function `roles[role](parameters)`.
 *
 * @returns a function that calls what this returned, and resolves to when that began and ended, in
 * nanoseconds, and what it returned
 */
export async function prepare(scenario, { role, ...parameters }) {
  const { roles } = await import(`../${scenario}.js`);
  const run = await roles[role](parameters);
  return async () => {
    const begin = now();
    const result = await run();
    return { begin, end: now(), result };
  };
}
