// Checks that a built addon runs on the oldest system that Node itself runs on: no symbol of a
// newer glibc or libstdc++ than Node's own. Names the addon's file as its argument, or checks all
// that are under prebuilds/.
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const FLOORS = { GLIBC: [2, 28], GLIBCXX: [3, 4, 22], CXXABI: [1, 3, 9] };

function above(version, floor) {
  for (let i = 0; i < Math.max(version.length, floor.length); i += 1) {
    const difference = (version[i] ?? 0) - (floor[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return false;
}

function prebuilt() {
  return readdirSync('prebuilds', { recursive: true })
    .filter((file) => file.endsWith('.node'))
    .map((file) => join('prebuilds', file));
}

const files = process.argv.length > 2 ? process.argv.slice(2) : prebuilt();
let failed = files.length === 0;
for (const file of files) {
  const symbols = execFileSync('objdump', ['-T', file], { encoding: 'utf8' });
  const needed = new Set(symbols.match(/\b(?:GLIBC|GLIBCXX|CXXABI)_[\d.]+/g));
  const tooNew = [...needed].filter((symbol) => {
    const [library, version] = symbol.split('_');
    return above(version.split('.').map(Number), FLOORS[library]);
  });
  failed ||= tooNew.length > 0;
  console.log(
    `${file}: ${tooNew.length > 0 ? `too new: ${tooNew.join(', ')}` : 'runs on glibc 2.28'}`,
  );
}
process.exit(failed ? 1 : 0);
