import type { RingLook, SegmentLook } from '../look.js';
import { colour, consumerColours } from './colours.js';
import { html, set } from './element.js';
import { clock, compact, perSecond, whole } from './figures.js';
import type { History } from './history.js';
import { SHOWN } from './history.js';
import uPlot from './uPlot.js';
import { gating } from './verdict.js';

const HEIGHT = 140;
/** From this part of the ring on, a chart of lags shows where it ends. */
const NEAR_FULL = 0.4;
const MARKS = { death: 'bad', gap: 'warn', trouble: 'bad' } as const;

/** One line of a chart. */
interface Line {
  label: string;
  colour: string;
  of: (ring: RingLook) => number | undefined;
}

/** What one chart shows. */
interface Subject {
  title: string;
  lines(ring: RingLook): Line[];
  /** What it says now, for those who do not see it. */
  say(ring: RingLook): string;
  /** Where no more is possible. */
  most?(ring: RingLook): number;
}

const consumerLines = (
  ring: RingLook,
  figure: (one: RingLook['consumers'][number]) => number | undefined,
) => {
  const colours = consumerColours(ring);
  return gating(ring).map(({ index, name }): Line => ({
    label: name,
    colour: colours.get(index)!,
    of: ({ consumers }) => {
      const one = consumers.find((each) => each.index === index);
      return one?.sequence === undefined ? undefined : figure(one);
    },
  }));
};

const RATE: Subject = {
  title: 'Elements a second',
  lines: (ring) => [
    { label: 'committed', colour: 'used', of: ({ rate }) => rate },
    ...consumerLines(ring, ({ rate }) => rate),
  ],
  say: (ring) =>
    [
      `committed ${perSecond(ring.rate)}`,
      ...gating(ring).map(({ name, rate }) => `${name} ${perSecond(rate)}`),
    ].join(', '),
};

const LAG: Subject = {
  title: 'Elements behind',
  lines: (ring) => consumerLines(ring, ({ lag }) => lag),
  say: (ring) =>
    gating(ring)
      .map(({ name, lag }) => `${name} ${whole(lag)}`)
      .join(', ') || 'no consumers',
  most: ({ elements }) => elements,
};

/** One chart over time. */
class Chart {
  readonly element = html('figure', { class: 'chart' });
  readonly #subject: Subject;
  readonly #history: History;
  readonly #place = html('div', { role: 'img' });
  #plot: uPlot | undefined;
  #lines: Line[] = [];
  #made = '';
  #width = 0;
  readonly #resized = new ResizeObserver(() => {
    this.#fit();
  });

  constructor(subject: Subject, history: History) {
    this.#subject = subject;
    this.#history = history;
    this.element.append(html('figcaption', {}, subject.title), this.#place);
    this.#resized.observe(this.element);
  }

  show(ring: RingLook): void {
    const lines = this.#subject.lines(ring);
    const made = JSON.stringify(lines);
    if (made !== this.#made) {
      this.#made = made;
      this.#lines = lines;
      this.#plot?.destroy();
      this.#plot = undefined;
    }
    const { title } = this.#subject;
    set(this.#place, {
      'aria-label': `${title}, last two minutes. Now: ${this.#subject.say(ring)}`,
    });
    if (this.#width === 0) this.#width = this.element.clientWidth;
    if (this.#width === 0) return;
    if (this.#plot) this.#plot.setData(this.#data());
    else this.#plot = new uPlot(this.#options(), this.#data(), this.#place);
  }

  /** In other colours, perhaps. */
  redraw(): void {
    this.#plot?.redraw(false, true);
  }

  close(): void {
    this.#resized.disconnect();
    this.#plot?.destroy();
  }

  #fit(): void {
    const width = this.element.clientWidth;
    if (width === 0 || width === this.#width) return;
    this.#width = width;
    this.#plot?.setSize({ width, height: HEIGHT });
  }

  #data(): uPlot.AlignedData {
    const { looks } = this.#history;
    return [
      looks.map(({ seen }) => seen / 1000),
      ...this.#lines.map(({ of }) => looks.map(({ ring }) => (ring && of(ring)) ?? null)),
    ];
  }

  #options(): uPlot.Options {
    const axis = {
      stroke: () => colour('quiet'),
      grid: { stroke: () => colour('line'), width: 1 },
      ticks: { show: false },
      font: '11px system-ui, sans-serif',
    };
    return {
      width: this.#width,
      height: HEIGHT,
      padding: [8, 8, 0, 0],
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { range: (_, __, last) => [last - SHOWN, last] },
        y: { range: (_, __, seen) => [0, this.#top(seen)] },
      },
      axes: [
        {
          ...axis,
          space: 80,
          size: 24,
          values: (_, ticks) => ticks.map((tick) => clock(tick * 1000)),
        },
        {
          ...axis,
          space: 30,
          size: 52,
          values: (_, ticks) => ticks.map(compact),
        },
      ],
      series: [
        {},
        ...this.#lines.map(({ label, colour: name }) => ({
          label,
          stroke: () => colour(name),
          ...(name === 'used' ? { fill: () => colour('band') } : {}),
          width: 1.75,
          points: { show: false },
          spanGaps: false,
        })),
      ],
      hooks: {
        draw: [
          (plot) => {
            this.#mark(plot);
          },
        ],
      },
    };
  }

  #most(): number | undefined {
    const ring = this.#history.looks.at(-1)?.ring;
    return ring && this.#subject.most?.(ring);
  }

  #top(seen: number): number {
    const most = this.#most();
    if (most !== undefined && seen >= most * NEAR_FULL) return most * 1.06;
    return Math.max(1, seen * 1.1);
  }

  /** Deaths and gaps, and where the ring is full. */
  #mark(plot: uPlot): void {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.lineWidth = devicePixelRatio * 2;
    const most = this.#most();
    if (most !== undefined && most < (plot.scales.y!.max ?? 0)) {
      const y = plot.valToPos(most, 'y', true);
      ctx.strokeStyle = colour('quiet');
      ctx.fillStyle = colour('quiet');
      ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
      ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
      ctx.textAlign = 'left';
      ctx.textBaseline = 'top';
      ctx.fillText('full', bbox.left + 4 * devicePixelRatio, y + 2 * devicePixelRatio);
    }
    for (const { at, kind } of this.#history.happenings) {
      if (kind === 'news') continue;
      // Upon whole pixels.
      const x = Math.round(plot.valToPos(at / 1000, 'x', true));
      if (x < bbox.left || x > bbox.left + bbox.width) continue;
      ctx.strokeStyle = colour(MARKS[kind]);
      ctx.setLineDash(kind === 'gap' ? [4 * devicePixelRatio, 3 * devicePixelRatio] : []);
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
    }
    ctx.restore();
  }
}

/** Rate and lag of a ring over time. */
export class Charts {
  readonly element = html('div', { class: 'charts' });
  readonly #charts: Chart[];

  constructor(history: History) {
    this.#charts = [RATE, LAG].map((subject) => new Chart(subject, history));
    this.element.append(...this.#charts.map(({ element }) => element));
  }

  /** Shows the history up to this look. */
  show({ ring }: SegmentLook): void {
    if (!ring) return;
    for (const chart of this.#charts) chart.show(ring);
  }

  redraw(): void {
    for (const chart of this.#charts) chart.redraw();
  }

  close(): void {
    for (const chart of this.#charts) chart.close();
  }
}
