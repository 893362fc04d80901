/**
 * Runs the demo of the package's examples in this process: it starts others, and cleans up after them.
 */
export async function demo({ json = false }: { json?: boolean }): Promise<void> {
  const script = new URL('../../examples/demo/demo.js', import.meta.url);
  const { demo: run } = (await import(script.href)) as { demo: (json: boolean) => Promise<void> };
  await run(json);
}
