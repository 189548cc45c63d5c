/**
 * The agreement of the two sides of a port on the pixel format of its frames.
 *
 * The consumer's list is in the order of its preference, the producer's has what
 * it can make. Agreed is the first of the consumer's formats that the producer
 * has. A side without a list has every format; if neither has one, nothing is
 * agreed, and a frame can have any.
 *
 * @module
 */

import type { Field, Fields, FieldType, Schema } from "./field_type.ts";
import { markOf, mirrorTarget } from "./marks/mark.ts";
import { variantsAt } from "./minor.ts";
import { PIXEL_FORMATS, type PixelFormat } from "./surface.ts";

/** The formats of a peer that knows nothing of this agreement. */
export const FIRST_FORMATS: readonly string[] = [
  "bgra8",
  "rgba8",
  "rgba16f",
  "gray8",
];

/** What one side of a port says of its formats. */
export interface FormatSide {
  /** The side in a message, such as `the host`. */
  readonly who: string;
  /** The formats that it lists, the preferred one first. Undefined if it lists none. A peer's may be unknown here. */
  readonly formats: readonly string[] | undefined;
  /** Whether it takes part in the agreement. */
  readonly agrees: boolean;
}

/**
 * Returns the formats that frames can have: one, if the producer takes part in
 * the agreement, else those that the consumer lists and the producer may send.
 * Undefined if neither side lists formats: then each, but to or from a side that
 * does not take part only those that it knows. A text says why there is none.
 *
 * @param minor the minor version of the schema that both sides have
 */
export function agreeFormats(
  schema: Schema,
  minor: number,
  producer: FormatSide,
  consumer: FormatSide,
): readonly PixelFormat[] | undefined | string {
  const wanted = consumer.formats ?? producer.formats;
  const possible = possibleFormats(schema, minor);
  const bothAgree = producer.agrees && consumer.agrees;
  if (!wanted && (bothAgree || !hasLaterFormats(schema, possible))) {
    return undefined;
  }
  const made = formatsOf(producer, possible);
  const taken = formatsOf(consumer, possible);
  const both = (wanted ?? FIRST_FORMATS).filter((
    format,
  ): format is PixelFormat =>
    made.includes(format) && taken.includes(format) && possible.includes(format)
  );
  if (both.length > 0) {
    return wanted && producer.agrees ? both.slice(0, 1) : both;
  }
  return `${producer.who} sends ${inWords(producer, made)}, ` +
    `${consumer.who} takes ${inWords(consumer, taken)}; ` +
    "give them a pixel format that is in both lists, and that " +
    `${schema.name} ${schema.version.major}.${minor} has`;
}

/** Whether the frames of a schema can be in formats that the first version did not have, although their types say nothing of that. */
function hasLaterFormats(
  { fields }: Schema,
  possible: readonly string[],
): boolean {
  return hasOpenTexture(fields) &&
    possible.some((format) => !FIRST_FORMATS.includes(format));
}

function formatsOf(
  { formats, agrees }: FormatSide,
  possible: readonly string[],
): readonly string[] {
  return formats ??
    (agrees
      ? possible
      : possible.filter((format) => FIRST_FORMATS.includes(format)));
}

function inWords({ formats }: FormatSide, list: readonly string[]): string {
  const names = list.map((name) => name.slice(0, 60)).join(", ");
  return formats ? names : `any of ${names}`;
}

/** Returns the formats that a frame of a schema can have: a field that mirrors the format of a texture must be able to hold it. */
function possibleFormats(schema: Schema, minor: number): readonly string[] {
  let possible = Object.keys(PIXEL_FORMATS);
  for (const { type } of Object.values<Field>(schema.fields)) {
    const mark = markOf(type);
    if (type.kind !== "Enum" || mark === undefined) continue;
    if (mirrorTarget(mark)?.property !== "pixel_format") continue;
    const variants = variantsAt(type, minor);
    possible = possible.filter((format) => variants.includes(format));
  }
  return possible;
}

/** Whether frames of these fields have a texture of any format, at any depth: only then there is something to agree on. */
export function hasOpenTexture(fields: Fields): boolean {
  return Object.values<Field>(fields).some(({ type }) => isOpenTexture(type));
}

function isOpenTexture(type: FieldType): boolean {
  switch (type.kind) {
    case "Texture":
      return type.format === "any";
    case "Array":
      return isOpenTexture(type.element);
    case "Optional":
      return isOpenTexture(type.inner);
    case "Struct":
      return hasOpenTexture(type.fields);
    case "SchemaRef":
      return hasOpenTexture(type.schema.fields);
    default:
      return false;
  }
}
