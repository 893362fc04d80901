import { Child, runTogether } from './child.js';
import { showProgress } from './progress.js';
import { createRing, readByAll } from './ring.js';
import { makeSampleFile } from './sample-file.js';

const READERS = 2;
const BYTES = 64 * 2 ** 20;

/** A file goes through a small ring to several readers. */
export async function streamScenario() {
  const { path, sha256 } = makeSampleFile(BYTES);
  const { name, ring } = createRing('stream', {
    elements: 64 * 2 ** 10,
    elementSize: 1,
    consumers: READERS,
  });
  const readers = Array.from(
    { length: READERS },
    (_, id) => new Child('stream-reader.js', name, id),
  );
  const writer = new Child('stream-writer.js', name, path);

  const scenario = `file stream, 1 writer, ${READERS} readers`;
  const hide = showProgress(scenario, BYTES, () => readByAll(ring));
  const { results, seconds } = await runTogether([writer, ...readers]);
  hide();

  const [, ...hashes] = results;
  const equal = hashes.every((hash) => hash === sha256);
  return { scenario, bytes: BYTES, seconds, equal };
}
