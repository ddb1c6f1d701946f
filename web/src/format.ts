/** @file Numbers, shares and dates as a person reads them. */

const whole = new Intl.NumberFormat("en");
const day = new Intl.DateTimeFormat("en", {
  year: "numeric",
  month: "short",
  day: "numeric",
  timeZone: "UTC",
});

export const number = (value: number): string => whole.format(value);
export const share = (value: number): string => `${(100 * value).toFixed(1)} %`;
export const metric = (value: number): string => value.toFixed(4);
export const date = (seconds: number): string => day.format(new Date(1000 * seconds));

export function duration(seconds: number): string {
  if (seconds < 1) return `${Math.round(1000 * seconds)} ms`;
  return seconds < 120 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds / 60)} min`;
}

export function bytes(count: number): string {
  return count < 2 ** 30 ? `${Math.round(count / 2 ** 20)} MB` : `${(count / 2 ** 30).toFixed(2)} GB`;
}
