import { Child, runTogether } from './child.js';
import { showProgress } from './progress.js';
import { createRing } from './ring.js';
import { makeSampleFile } from './sample-file.js';

const READERS = 2;
const SAMPLE_BYTES = 16 * 2 ** 20;

/** A file goes through a ring to several readers, again and again. */
export async function streamScenario() {
  const path = makeSampleFile(SAMPLE_BYTES);
  const name = createRing('stream', { elements: 2 ** 20, elementSize: 1, consumers: READERS });
  const readers = Array.from(
    { length: READERS },
    (_, id) => new Child('stream-reader.js', name, id, path),
  );
  const writer = new Child('stream-writer.js', name, path);

  const scenario = `file stream, 1 writer, ${READERS} readers`;
  const hide = showProgress(scenario);
  const [written, ...read] = await runTogether([writer, ...readers]);
  hide();

  const equal = read.every(({ bytes, faults }) => bytes === written.bytes && faults === 0);
  return { scenario, bytes: written.counted, seconds: written.seconds, equal };
}
