/**
 * Mirrors: the fields of one level whose values are properties of a texture or
 * buffer beside them.
 *
 * @module
 */

import type { Fields } from "../schema/field_type.ts";
import { markOf, mirrorTarget } from "../schema/marks/mark.ts";
import { show } from "../schema/schema_place.ts";
import { type Misfit, valueMisfit } from "./misfit.ts";

/** A field that mirrors a property. */
export interface MirrorField {
  /** The field. */
  readonly name: string;
  /** The texture or buffer that it mirrors. */
  readonly source: string;
  /** The property of it. */
  readonly property: string;
  /** Whether the field's values are of the type `bigint`. */
  readonly wide: boolean;
}

/** The values of one level, by field. */
export type Members = { readonly [name: string]: unknown };

/** Returns the mirrors among `fields`. */
export function mirrorsIn(fields: Fields): MirrorField[] {
  return Object.entries(fields).flatMap(([name, { type }]) => {
    const mark = markOf(type);
    const target = mark === undefined ? undefined : mirrorTarget(mark);
    const wide = type.kind === "Int64" || type.kind === "UInt64";
    return target ? [{ name, ...target, wide }] : [];
  });
}

/** Returns a property of a texture or buffer as the value of a field that mirrors it. */
export function mirrored({ wide }: MirrorField, value: unknown): unknown {
  return wide && typeof value === "number" ? BigInt(value) : value;
}

/**
 * Returns the first mirror that differs from what it mirrors. Both values have
 * their right types; the texture or buffer, or what describes its size, is there.
 */
export function contradiction(
  mirrors: readonly MirrorField[],
  values: Members,
): Misfit | undefined {
  for (const mirror of mirrors) {
    const misfit = difference(mirror, values);
    if (misfit) return misfit;
  }
  return undefined;
}

/** Returns a misfit if one mirror differs from what it mirrors. */
export function difference(
  mirror: MirrorField,
  values: Members,
): Misfit | undefined {
  const { name, source, property } = mirror;
  const expected = mirrored(mirror, (values[source] as Members)[property]);
  if (values[name] === expected) return undefined;
  const what = `${show(expected)}, which is the ${property} of '${source}'`;
  return valueMisfit(what, values[name]).within(name);
}
