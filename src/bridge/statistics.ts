import type { EndpointCounts } from './endpoint.js';

/**
 * What a bridge is doing: `connecting` the first time, `running`, `away` between two attempts to reach
 * an engine, `stopped`.
 */
export type BridgeState = 'connecting' | 'running' | 'away' | 'stopped';

/** A bridge at one moment. Counts are since it was started. */
export interface BridgeStatistics extends Required<Omit<EndpointCounts, 'lag'>> {
  /** Where messages come from. */
  from: string;
  /** Where they go. */
  to: string;
  /** What it is doing. */
  state: BridgeState;
  /** Messages that have arrived, with those that had come before and were dropped. */
  forwarded: number;
  /** And their bytes. */
  bytes: number;
  /** Messages that were sent again, because it was not certain that they had arrived. */
  repeated: number;
  /** Messages that may not have arrived and are not sent again: with `atMostOnce` only. */
  lost: number;
  /** Messages that can never be delivered and were left out, as `onUndeliverable` said. */
  skipped: number;
  /** Messages taken and not yet acknowledged. */
  inFlight: number;
  /** How often an engine was away. */
  reconnects: number;
  /** Messages that wait at the source; undefined where that is not known. */
  lag: number | undefined;
  /** Messages a second, since the last call of `stats`. */
  rate: number;
  /** What an engine said last when it was away; undefined when it never was. */
  lastError: string | undefined;
}

/** One number of a bridge, for whatever collects numbers: it fits Prometheus as it is. */
export interface BridgeMetric {
  /** In the form of Prometheus: `shm_disruptor_bridge_forwarded_total`. */
  name: string;
  /** A sentence. */
  help: string;
  /** Whether it only rises. */
  type: 'counter' | 'gauge';
  /** As of now. */
  value: number;
  /** Which bridge: what its ends are called, as `from` and `to`. */
  labels: Pick<BridgeStatistics, 'from' | 'to'>;
}

type Counted = 'counter' | 'gauge';
const METRICS: readonly (readonly [keyof BridgeStatistics, string, Counted, string])[] = [
  ['forwarded', 'forwarded_total', 'counter', 'Messages that have arrived'],
  ['bytes', 'forwarded_bytes_total', 'counter', 'Bytes of messages that have arrived'],
  ['repeated', 'repeated_total', 'counter', 'Messages that were sent again'],
  ['duplicates', 'duplicates_total', 'counter', 'Messages that came again and were dropped'],
  ['late', 'late_total', 'counter', 'Messages that came after later ones'],
  ['gaps', 'gaps_total', 'counter', 'Elements that producers claimed and left'],
  ['overrun', 'overrun_total', 'counter', 'Messages lost before the bridge could take them'],
  ['lost', 'lost_total', 'counter', 'Messages that may not have arrived'],
  ['skipped', 'skipped_total', 'counter', 'Messages that can never be delivered'],
  ['reconnects', 'reconnects_total', 'counter', 'How often an engine was away'],
  ['missing', 'missing', 'gauge', 'Sequences that have not come between others'],
  ['inFlight', 'in_flight', 'gauge', 'Messages taken and not yet acknowledged'],
  ['lag', 'lag', 'gauge', 'Messages that wait at the source'],
];

/** These statistics, one number each; what is not known is left out. */
export function metricsOf(statistics: BridgeStatistics): BridgeMetric[] {
  const { from, to, state } = statistics;
  const labels = { from, to };
  const prefix = 'shm_disruptor_bridge_';
  const metrics: BridgeMetric[] = [
    {
      name: `${prefix}up`,
      help: 'Whether both ends are connected',
      type: 'gauge',
      value: state === 'running' ? 1 : 0,
      labels,
    },
  ];
  for (const [key, name, type, help] of METRICS) {
    const value = statistics[key];
    if (typeof value === 'number') {
      metrics.push({ name: `${prefix}${name}`, help, type, value, labels });
    }
  }
  return metrics;
}

/** The counts of both ends. */
export function together(a: EndpointCounts, b: EndpointCounts) {
  const sum = (key: keyof EndpointCounts) => (a[key] ?? 0) + (b[key] ?? 0);
  return {
    duplicates: sum('duplicates'),
    late: sum('late'),
    missing: sum('missing'),
    gaps: sum('gaps'),
    overrun: sum('overrun'),
    lag: a.lag,
  };
}
