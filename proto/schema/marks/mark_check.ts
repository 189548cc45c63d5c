/**
 * The checks for marks: a mirror names something that is there, and its type can
 * hold it.
 *
 * @module
 */

import type { Fields, FieldType } from "../field_type.ts";
import { type Mark, markOf, mirrorTarget } from "./mark.ts";
import { type Place, quote } from "../schema_place.ts";

type Kinds = readonly FieldType["kind"][];

const WIDE: Kinds = ["Int64", "UInt64"];
const INTEGERS: Kinds = ["Int32", "UInt32", ...WIDE];
const NAMES: Kinds = ["Enum", "String"];

/** The properties that a field can mirror, by the kind of what has them, each with the types that hold it. */
export const MIRRORED: {
  readonly [kind: string]: { readonly [property: string]: Kinds } | undefined;
} = Object.freeze({
  Texture: { width: INTEGERS, height: INTEGERS, pixel_format: NAMES },
  Buffer: { length: INTEGERS },
});

/**
 * Refuses a mark that the field cannot have.
 *
 * @param fields the fields of the same level
 */
export function checkMark(place: Place, type: FieldType, fields: Fields): void {
  const mark = markOf(type);
  if (mark === undefined) return;
  const text: string = place.string("its mark", mark);
  const kinds = text === "clock"
    ? WIDE
    : text === "count"
    ? INTEGERS
    : mirroredKinds(place, mark, fields);
  if (kinds.includes(type.kind)) return;
  place.refuse(
    `its type ${type.kind} cannot hold what its mark ${
      quote(mark)
    } says; it must be one of ${kinds.join(", ")}`,
  );
}

/** Refuses a mark inside an Array or an Optional. */
export function checkUnmarked(place: Place, type: FieldType): void {
  if (markOf(type) === undefined) return;
  place.refuse("only the type of the field itself can have a mark");
}

function mirroredKinds(place: Place, mark: Mark, fields: Fields): Kinds {
  const target = mirrorTarget(mark);
  if (!target) {
    return place.refuse(
      `its mark is ${
        quote(mark)
      }, not clock, count or the path to a property of a texture or buffer`,
    );
  }
  const { source, property } = target;
  const type = Object.hasOwn(fields, source) ? fields[source]?.type : undefined;
  const properties = type && MIRRORED[type.kind];
  if (!type || !properties) {
    return place.refuse(
      type
        ? `it mirrors ${quote(mark)}, and ${quote(source)} is of the type ` +
          `${type.kind}, not a texture or a buffer`
        : `it mirrors ${quote(mark)}, and there is no field ${
          quote(source)
        } beside it`,
    );
  }
  return properties[property] ?? place.refuse(
    `it mirrors ${quote(mark)}, and a ${type.kind} has only ${
      Object.keys(properties).join(", ")
    } to mirror`,
  );
}
