/**
 * Rates and latencies in a short form for tables.
 *
 * @module
 */

/** Megabytes (1,000,000 bytes), with one decimal. */
export function formatMegabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

/** A number per second, with one decimal. */
export function formatRate(perSecond: number): string {
  return perSecond.toFixed(1);
}

/**
 * A latency with about three digits; `-` if it is 0, which means unknown.
 *
 * @param us microseconds
 */
export function formatLatency(us: number): string {
  if (us <= 0) return "-";
  if (us < 999.5) return `${us.toFixed(us < 9.95 ? 1 : 0)}µs`;
  const ms = us / 1000;
  if (ms < 999.5) return `${ms.toFixed(ms < 9.95 ? 1 : 0)}ms`;
  return `${(ms / 1000).toFixed(1)}s`;
}
