// Horizontal bars on a logarithmic axis, as an SVG text.
import { parse, textMetrics, View } from 'vega';
import { compile } from 'vega-lite';

// An SVG file in a page does not learn for sure whether that is light or dark. These can be read on
// either, on no background of their own.
const TEXT = '#7d858f';
const LINES = '#7d858f55';
const OURS = '#2f81f7';
const OTHERS = '#9198a1';

const OUR_NAME = /^shm-disruptor\b/;

// Nobody can measure text without a browser, and the library's guess leaves a margin of hundreds of
// pixels. This is a little more than most fonts need.
textMetrics.width = ({ fontSize = 11 }, text) => 0.56 * fontSize * String(text ?? '').length;

// Three digits say more than two samples agree on.
const label = (value) => Number(value.toPrecision(3)).toLocaleString('en');

function powersOfTen(least, greatest) {
  const powers = [];
  for (let power = least; power <= greatest; power *= 10) powers.push(power);
  // One alone would not tell how long ten times as much is.
  return powers.length > 1 ? powers : undefined;
}

/** The greatest power of ten below all: a logarithmic axis has no zero to begin at. */
function beginning(values) {
  const positive = values.filter((value) => value > 0);
  return 10 ** Math.floor(Math.log10(Math.min(...positive) * 0.9));
}

function specification(bars, { title, subtitle }) {
  const least = beginning(bars.map(({ value }) => value));
  const greatest = Math.max(...bars.map(({ value }) => value));
  const values = bars.map(({ name, value }) => ({
    name,
    value: Math.max(value, least),
    label: label(value),
    ours: OUR_NAME.test(name),
  }));
  const x = {
    field: 'value',
    type: 'quantitative',
    scale: { type: 'log', domainMin: least, nice: false },
    axis: { title: null, values: powersOfTen(least, greatest), format: '~g' },
  };
  const y = { field: 'name', type: 'nominal', sort: null, axis: { title: null, labelLimit: 0 } };
  return {
    data: { values },
    title: { text: title, subtitle, anchor: 'start', frame: 'bounds', offset: 16 },
    width: 420,
    height: { step: 20 },
    encoding: { y },
    layer: [
      {
        mark: { type: 'bar', cornerRadiusEnd: 2, height: 13 },
        encoding: {
          x,
          x2: { datum: least },
          color: { condition: { test: 'datum.ours', value: OURS }, value: OTHERS },
        },
      },
      {
        mark: { type: 'text', align: 'left', dx: 4, color: TEXT },
        encoding: { x, text: { field: 'label' } },
      },
    ],
    config: {
      background: null,
      font: 'system-ui, sans-serif',
      padding: { left: 8, top: 8, right: 48, bottom: 8 },
      view: { stroke: null },
      title: { color: TEXT, subtitleColor: TEXT, fontSize: 15, subtitleFontSize: 11 },
      axis: { labelColor: TEXT, gridColor: LINES, domainColor: LINES, tickColor: LINES },
      axisY: { labelFontSize: 12, ticks: false },
    },
  };
}

/** Draws `bars` ({ name, value }), ours highlighted, below a title and lines about it. */
export async function barChart(bars, titles) {
  const { spec } = compile(specification(bars, titles));
  const view = new View(parse(spec), { renderer: 'none' });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}
