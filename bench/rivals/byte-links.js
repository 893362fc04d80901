// Calls and answers over streams of bytes.

const VALUE_SIZE = 4;

// Only one call is ever under way, so that a value comes alone and whole.
function onlyValue(chunk) {
  if (chunk.length !== VALUE_SIZE) throw new Error(`expected one value, got ${chunk.length} bytes`);
  return chunk.readUInt32LE(0);
}

function send(stream, value) {
  const chunk = Buffer.allocUnsafe(VALUE_SIZE);
  chunk.writeUInt32LE(value, 0);
  stream.write(chunk);
}

/** Answers so many calls. */
export function answerFrom(stream, count) {
  let answered = 0;
  return new Promise((resolve, reject) => {
    stream.once('error', reject);
    stream.on('data', (chunk) => {
      send(stream, onlyValue(chunk));
      answered += 1;
      if (answered === count) resolve();
    });
  });
}

/** A function that writes a value and resolves to the one that is read then. */
export function askThrough(readable, writable) {
  let take;
  readable.on('data', (chunk) => take(onlyValue(chunk)));
  return (value) => {
    send(writable, value);
    return new Promise((resolve) => {
      take = resolve;
    });
  };
}
