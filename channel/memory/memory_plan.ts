/**
 * How many pieces of shared memory each place of a frame may use. The number
 * that one side may offer on a channel is bounded, so its ports share it.
 *
 * @module
 */

import { BridgeError } from "../../proto/errors.ts";
import type { Fields, FieldType } from "../../proto/schema/field_type.ts";
import { MAX_OFFERED } from "../../proto/limits.ts";
import type { Port } from "../../proto/schema/port.ts";
import type { Schema } from "../../proto/schema/field_type.ts";

/**
 * Refuses ports whose frames have more textures and buffers, at any depth,
 * than one side of a channel can offer.
 *
 * @throws {BridgeError} `schema_mismatch`, naming the ports
 */
export function checkMemory(ports: Readonly<Record<string, Port>>): void {
  const counts = memoryCounter();
  let all = 0;
  for (const { schema } of Object.values(ports)) all += counts(schema);
  if (all > MAX_OFFERED) {
    throw new BridgeError(
      "schema_mismatch",
      `Cannot use the ports ${Object.keys(ports).join(", ")} on one channel: ` +
        `their frames have ${all} textures and buffers; at most ${MAX_OFFERED} are allowed`,
    );
  }
}

/**
 * Returns a function that counts the textures and buffers in a schema. An
 * array's element counts once. Each schema is walked once: with references to
 * schemas that have references, the count can be too large to walk.
 */
export function memoryCounter(): (schema: Schema) => number {
  const counted = new Map<Schema, number>();
  const ofType = (type: FieldType): number => {
    switch (type.kind) {
      case "Texture":
      case "Buffer":
        return 1;
      case "Array":
        return ofType(type.element);
      case "Optional":
        return ofType(type.inner);
      case "Struct":
        return ofFields(type.fields);
      case "SchemaRef":
        return ofSchema(type.schema);
      default:
        return 0;
    }
  };
  const ofFields = (fields: Fields): number =>
    Object.values(fields).reduce((sum, { type }) => sum + ofType(type), 0);
  const ofSchema = (schema: Schema): number => {
    const count = counted.get(schema) ?? ofFields(schema.fields);
    counted.set(schema, count);
    return count;
  };
  return ofSchema;
}

/** Something with a bound, which at first is what it asks for. */
export interface Bounded {
  /** The most pieces. */
  bound: number;
}

/**
 * Lowers the bounds so that their sum is at most `total`. Small requests are met
 * in full; the others share the rest equally. Each gets at least one piece, if
 * there are at least as many pieces as requests.
 */
export function shareOut(
  askers: readonly Bounded[],
  total: number = MAX_OFFERED,
): void {
  const modestFirst = [...askers].sort((a, b) => a.bound - b.bound);
  let left = total;
  for (const [index, asker] of modestFirst.entries()) {
    const share = Math.floor(left / (modestFirst.length - index));
    asker.bound = Math.min(asker.bound, share);
    left -= asker.bound;
  }
}
