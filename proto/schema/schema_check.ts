/**
 * The checks for every schema, from code or from JSON.
 *
 * @module
 */

import type {
  ElementKind,
  Fields,
  FieldType,
  TextureFormat,
} from "./field_type.ts";
import { MAX_DICTIONARY_BYTES, MAX_FIELDS } from "../limits.ts";
import type { ReadBehavior, Schema } from "./field_type.ts";
import { checkMark, checkUnmarked } from "./marks/mark_check.ts";
import { checkAdded, checkAddedVariants } from "./minor.ts";
import { Place, quote, show } from "./schema_place.ts";
import { PIXEL_FORMATS, type PixelFormat } from "./surface.ts";

/** The most levels of values in a frame. Its fields are the first level. XPC allows 32. */
export const MAX_NESTING = 16;

/** The largest fixed length of an array: each value takes at least one byte of the message. */
export const MAX_ARRAY_LENGTH = MAX_DICTIONARY_BYTES;

/** The most unread frames of a port. */
export const MAX_CAPACITY = 65_536;

/** The most characters of an identifier. */
export const MAX_IDENTIFIER = 64;

/** The most characters of a schema's name: identifiers joined by dots. */
export const MAX_SCHEMA_NAME = 128;

/** The most characters of a variant of an enum. */
export const MAX_VARIANT = 128;

/** All read behaviours. */
export const READ_BEHAVIORS: readonly ReadBehavior[] = Object.freeze([
  "skip_to_latest",
  "read_next_in_order",
]);

/** The element types that no field can have. */
const BUFFER_ONLY: readonly ElementKind[] = Object.freeze([
  "Int8",
  "UInt8",
  "Int16",
  "UInt16",
  "Float16",
]);

/** All element types of buffers. */
export const ELEMENT_KINDS: readonly ElementKind[] = Object.freeze([
  "Int32",
  "Int64",
  "UInt32",
  "UInt64",
  "Float32",
  "Float64",
  ...BUFFER_ONLY,
]);

/** All formats of textures. */
export const TEXTURE_FORMATS: readonly TextureFormat[] = Object.freeze([
  ...Object.keys(PIXEL_FORMATS) as PixelFormat[],
  "any",
]);

const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * Refuses a name that cannot be that of a field or a port.
 *
 * Names of properties that every JavaScript object has are refused too: a frame
 * is a plain object, and `frame.constructor` must not have two meanings.
 */
export function checkIdentifier(
  place: Place,
  what: string,
  name: string,
): void {
  if (name.length > MAX_IDENTIFIER) {
    place.refuse(
      `${what} ${show(name)} is longer than ${MAX_IDENTIFIER} characters`,
    );
  }
  if (!IDENTIFIER.test(name)) {
    place.refuse(
      `${what} ${
        show(name)
      } is not a letter or '_' followed by letters, digits and '_'`,
    );
  }
  if (name in Object.prototype) {
    place.refuse(`${what} ${show(name)} is a name that every object has`);
  }
}

/**
 * Whether JavaScript itself uses a property of this name: every object has it, or
 * `await` or `JSON.stringify` calls it if it is there. A call cannot have such a
 * name: `host.call` has a function for every other name.
 */
export function isLanguageName(name: string): boolean {
  return name in Object.prototype || name === "then" || name === "toJSON";
}

/** Refuses a name that cannot be that of a call. */
export function checkCallName(place: Place, name: string): void {
  const what = "the call's name";
  checkIdentifier(place, what, name);
  if (isLanguageName(name)) {
    place.refuse(
      `${what} ${
        show(name)
      } is a name that JavaScript asks every object for; choose another name`,
    );
  }
}

/** Refuses an invalid capacity, and returns a valid one. */
export function checkCapacity(
  place: Place,
  what: string,
  capacity: unknown,
): number {
  return place.integer(what, capacity, 1, MAX_CAPACITY);
}

/** Refuses an invalid length of an array, and returns a valid one. */
export function checkLength(place: Place, length: unknown): number {
  return place.integer("the Array's length", length, 0, MAX_ARRAY_LENGTH);
}

/**
 * Checks a schema.
 *
 * @throws {BridgeError} `schema_mismatch`, naming the schema, the field and what is wrong with it
 */
export function checkSchema(schema: Schema): void {
  const place = new Place(`schema ${quote(schema.name)}`);
  if (schema.name.length > MAX_SCHEMA_NAME) {
    place.refuse(`its name is longer than ${MAX_SCHEMA_NAME} characters`);
  }
  for (const part of schema.name.split(".")) {
    checkIdentifier(place, "the name's part", part);
  }
  for (const part of ["major", "minor", "patch"] as const) {
    place.integer(`version.${part}`, schema.version[part], 0, 0xffff_ffff);
  }
  place.oneOf("read_behavior", schema.read_behavior, READ_BEHAVIORS);
  checkCapacity(place, "default_capacity", schema.default_capacity);
  const count = checkFields(place, "", schema.fields);
  if (count > MAX_FIELDS) {
    place.refuse(`it has ${count} fields; at most ${MAX_FIELDS} are allowed`);
  }
  if (schema.nesting > MAX_NESTING) {
    place.refuse(
      `its types are nested ${schema.nesting} deep; at most ${MAX_NESTING} is allowed`,
    );
  }
}

/** Returns the number of levels of values in these fields. */
export function nestingOf(fields: Fields): number {
  let deepest = 0;
  for (const { type } of Object.values(fields)) {
    deepest = Math.max(deepest, levelsOf(type));
  }
  return deepest;
}

function levelsOf(type: FieldType): number {
  switch (type.kind) {
    case "Array":
      return 1 + levelsOf(type.element);
    case "Optional":
      return 1 + levelsOf(type.inner);
    case "Struct":
      return 1 + nestingOf(type.fields);
    case "SchemaRef":
      return 1 + type.schema.nesting;
    default:
      return 1;
  }
}

/** Checks fields, and the fields within them. Returns their number. */
function checkFields(schema: Place, path: string, fields: Fields): number {
  let count = 0;
  for (const [name, { type, description, since }] of Object.entries(fields)) {
    checkIdentifier(schema, "the field name", name);
    const place = schema.inside(`field '${path}${name}'`);
    if (description !== undefined) place.text("description", description);
    if (since !== undefined) checkAdded(place, type, since);
    checkMark(place, type, fields);
    count += 1 + checkType(schema, place, `${path}${name}.`, type);
  }
  return count;
}

/** Checks the type of the field at `place`. Returns the number of fields within it. */
function checkType(
  schema: Place,
  place: Place,
  path: string,
  type: FieldType,
): number {
  switch (type.kind) {
    case "Texture":
      place.oneOf("the texture's format", type.format, TEXTURE_FORMATS);
      return 0;
    case "Buffer":
      place.oneOf(
        "the buffer's element_type",
        type.element_type,
        ELEMENT_KINDS,
      );
      return 0;
    case "Enum":
      checkVariants(place, type.variants);
      checkAddedVariants(place, type);
      return 0;
    case "Array":
      if ("length" in type) checkLength(place, type.length);
      checkUnmarked(place, type.element);
      return checkType(schema, place, path, type.element);
    case "Optional":
      if (type.inner.kind === "Optional") {
        place.refuse("an Optional of an Optional has two ways to say null");
      }
      checkUnmarked(place, type.inner);
      return checkType(schema, place, path, type.inner);
    case "Struct":
      return checkFields(schema, path, type.fields);
    default:
      checkScalar(place, type.kind);
      return 0;
  }
}

/** TypeScript refuses a type of elements as a field. JavaScript does not. */
function checkScalar(place: Place, kind: FieldType["kind"]): void {
  if (!BUFFER_ONLY.some((only) => only === kind)) return;
  place.refuse(
    `${kind} is only for the elements of a buffer: Buffer(${kind}); ` +
      "a field is an Int32, UInt32 or Float32",
  );
}

function checkVariants(place: Place, variants: readonly string[]): void {
  if (variants.length === 0) place.refuse("an Enum needs a variant");
  const seen = new Set<string>();
  for (const variant of variants) {
    place.text("a variant", variant);
    if (variant === "" || variant.length > MAX_VARIANT) {
      place.refuse(
        `a variant is ${show(variant)}, not of 1 to ${MAX_VARIANT} characters`,
      );
    }
    if (variant.includes("\0")) {
      place.refuse(
        `a variant is ${show(variant)}, which an XPC string cannot hold`,
      );
    }
    if (seen.has(variant)) {
      place.refuse(`the variant ${show(variant)} is there twice`);
    }
    seen.add(variant);
  }
}
