/**
 * Durations in the form that users write and read, such as 1h30m.
 *
 * @module
 */

const SECOND = 1;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/**
 * Writes a duration in its two largest units.
 *
 * ```ts
 * import { formatAge } from "./ages.ts";
 *
 * [5, 150, 3900, 183_600].map(formatAge); // ["5s", "2m30s", "1h5m", "2d3h"]
 * ```
 *
 * @param seconds the duration; a negative one counts as 0
 */
export function formatAge(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const units = (large: number, small: number): [number, number] => [
    Math.floor(whole / large),
    Math.floor(whole % large / small),
  ];
  if (whole < MINUTE) return `${whole}s`;
  if (whole < HOUR) {
    const [minutes, seconds] = units(MINUTE, SECOND);
    return `${minutes}m${seconds}s`;
  }
  if (whole < DAY) {
    const [hours, minutes] = units(HOUR, MINUTE);
    return `${hours}h${minutes}m`;
  }
  const [days, hours] = units(DAY, HOUR);
  return `${days}d${hours}h`;
}

/**
 * Reads a duration such as `5m`, `1h30m` or `2d`: whole numbers of days, hours,
 * minutes and seconds, in this order.
 *
 * @returns seconds; `undefined` if `text` is not a duration
 */
export function parseAge(text: string): number | undefined {
  const parts = /^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(text);
  if (parts === null || text === "") return undefined;
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = parts.slice(1)
    .map((digits) => Number(digits ?? 0));
  const span = days * DAY + hours * HOUR + minutes * MINUTE + seconds;
  return Number.isSafeInteger(span) ? span : undefined;
}
