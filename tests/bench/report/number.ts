/** Numbers as text. */

import type { Unit } from "../harness/subject.ts";

/** A number with three digits that mean something: `0.00123`, `12.3`, `45,600`. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size >= 100) return Math.round(value).toLocaleString("en");
  if (size === 0) return "0";
  const digits = 2 - Math.floor(Math.log10(size));
  return value.toFixed(Math.min(6, Math.max(0, digits)));
}

/** A value with its unit. */
export function withUnit(value: number, unit: Unit): string {
  if (unit === "count") return short(value);
  return unit === "1/s" ? `${short(value)}/s` : `${short(value)} ${unit}`;
}
