/**
 * Minor versions of a schema: what they add, and the base form without it.
 *
 * Both sides of a connection must have the same base form: its JSON is what the
 * broker keeps and what is hashed. What minor versions have added is agreed on
 * afterwards, for each port: the smaller minor version of the two sides holds.
 *
 * @module
 */

import type {
  Enum,
  Field,
  Fields,
  FieldType,
  Schema,
  SchemaVersion,
} from "./field_type.ts";
import { hasMemory } from "./field_memory.ts";
import { type Place, show } from "./schema_place.ts";

/** Returns the minor version that has added a variant, or undefined if the base form has it. */
export function variantSince(
  { added }: Enum,
  variant: string,
): number | undefined {
  return added && Object.hasOwn(added, variant) ? added[variant] : undefined;
}

/** Returns the variants that an enum has in a minor version of its schema; without one, those of the base form. */
export function variantsAt(type: Enum, minor: number = 0): readonly string[] {
  return type.variants.filter((name) =>
    (variantSince(type, name) ?? 0) <= minor
  );
}

/** Returns the minor version of a schema's base form: the one before the first that has added something. */
export function baseMinor({ version, fields }: Schema): number {
  return Math.min(version.minor, firstAddition(fields) - 1);
}

/** Returns a schema's version in its base form. */
export function baseVersion(schema: Schema): SchemaVersion {
  return { ...schema.version, minor: baseMinor(schema) };
}

function firstAddition(fields: Fields): number {
  let first = Infinity;
  for (const { type, since } of Object.values<Field>(fields)) {
    first = Math.min(first, since ?? firstAdditionIn(type));
  }
  return first;
}

/** A schema that is referred to has a version of its own. */
function firstAdditionIn(type: FieldType): number {
  switch (type.kind) {
    case "Array":
      return firstAdditionIn(type.element);
    case "Optional":
      return firstAdditionIn(type.inner);
    case "Struct":
      return firstAddition(type.fields);
    case "Enum":
      return Math.min(Infinity, ...Object.values(type.added ?? {}));
    default:
      return Infinity;
  }
}

/** A minor version may be later than the schema's own: the fields of one schema can be part of another one, with versions of its own. */
function checkSince(place: Place, what: string, since: unknown): void {
  place.integer(
    `${what}, the minor version that has added it,`,
    since,
    1,
    0xffff_ffff,
  );
}

/** Refuses a field that a minor version cannot have added: a peer of an earlier one could not do without it. */
export function checkAdded(
  place: Place,
  type: FieldType,
  since: unknown,
): void {
  checkSince(place, "since", since);
  if (type.kind !== "Optional") {
    place.refuse(
      `a minor version has added it, so it must be an Optional, not ${type.kind}`,
    );
  }
  if (hasMemory(type)) {
    place.refuse(
      "a minor version has added it, so it cannot have textures or buffers",
    );
  }
}

/** Refuses an enum whose variants no minor version can have added. */
export function checkAddedVariants(place: Place, type: Enum): void {
  for (const [name, since] of Object.entries(type.added ?? {})) {
    checkSince(place, `the variant ${show(name)}`, since);
  }
  if (variantsAt(type).length === 0) {
    place.refuse("an Enum needs a variant that its base form has");
  }
}
