/** How figures read. */

const WHOLE = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const COMPACT = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 });
const CLOCK = new Intl.DateTimeFormat('en', { timeStyle: 'medium', hourCycle: 'h23' });
const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** 1234567 as `1,234,567`. */
export const whole = (value: number) => WHOLE.format(value);
/** 1234567 as `1.23M`. */
export const compact = (value: number) => COMPACT.format(value);
/** As `1.23M/s`; a dash for what is not known. */
export const perSecond = (rate: number | undefined) =>
  rate === undefined ? '–' : `${compact(rate)}/s`;
/** 0.5 as `50%`; only what is full is `100%`, and only what is empty `0%`. */
export function percent(part: number): string {
  if (part <= 0) return '0%';
  if (part >= 1) return '100%';
  return `${Math.min(99, Math.max(1, Math.round(part * 100)))}%`;
}
/** Milliseconds since 1970 as `13:05:59`. */
export const clock = (milliseconds: number) => CLOCK.format(milliseconds);

/** As `1.5 MiB`. */
export function bytes(value: number): string {
  const unit = Math.min(BYTE_UNITS.length - 1, Math.floor(Math.log2(Math.max(1, value)) / 10));
  return `${compact(value / 1024 ** unit)} ${BYTE_UNITS[unit]!}`;
}
