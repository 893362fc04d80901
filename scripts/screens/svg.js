// Lines of a terminal as a picture.
import { createAnsiSequenceParser, createColorPalette } from 'ansi-sequence-parser';

const FONT = 'ui-monospace, SFMono-Regular, Menlo, Consolas, monospace';
const SIZE = 13;
const ADVANCE = 7.83;
const LINE = 17;
const MARGIN = 12;
const PALETTE = createColorPalette({
  black: '#24292f',
  red: '#ff7b72',
  green: '#7ee787',
  yellow: '#e3b341',
  blue: '#79c0ff',
  magenta: '#d2a8ff',
  cyan: '#76e3ea',
  white: '#c9d1d9',
});
const BACKGROUND = '#161b22';
const FOREGROUND = '#c9d1d9';

const escaped = (text) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

function span({ value, foreground, decorations }) {
  const colour = foreground ? PALETTE.value(foreground) : undefined;
  const attributes = [
    ...(colour ? [`fill="${colour}"`] : []),
    ...(decorations.has('bold') ? ['font-weight="bold"'] : []),
    ...(decorations.has('dim') ? ['opacity="0.6"'] : []),
  ];
  return attributes.length === 0
    ? escaped(value)
    : `<tspan ${attributes.join(' ')}>${escaped(value)}</tspan>`;
}

/** An SVG of lines with escape sequences. */
export function svgOf(lines, columns) {
  const parser = createAnsiSequenceParser();
  const width = Math.ceil(columns * ADVANCE + 2 * MARGIN);
  const height = lines.length * LINE + 2 * MARGIN;
  const texts = lines.map((line, i) => {
    const y = MARGIN + (i + 0.8) * LINE;
    const spans = parser.parse(line).map(span).join('');
    // Characters of a line have their columns, whatever font there is.
    const plain = parser.parse(line).map(({ value }) => value);
    const length = (plain.join('').trimEnd().length * ADVANCE).toFixed(1);
    if (length === '0.0') return '';
    return `  <text x="${MARGIN}" y="${y.toFixed(1)}" textLength="${length}" lengthAdjust="spacingAndGlyphs">${spans.trimEnd()}</text>\n`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="${FONT}" font-size="${SIZE}" fill="${FOREGROUND}" xml:space="preserve">
  <rect width="100%" height="100%" rx="6" fill="${BACKGROUND}"/>
${texts.join('')}</svg>
`;
}
