/**
 * The JSON form of schemas, for schemas that are known only at run time.
 *
 * Reading is strict: missing, unknown and out-of-range values are refused. So
 * `schemaToJson(parseSchema(json), "full")` equals `json`.
 *
 * @module
 */

import {
  type FieldJson,
  FieldReader,
  fieldsToJson,
  type Resolve,
  type SchemaForm,
} from "./field_type_json.ts";
import type { ReadBehavior, Schema } from "../field_type.ts";
import { baseVersion } from "../minor.ts";
import { schema } from "../schema.ts";
import { checkCapacity, MAX_NESTING, READ_BEHAVIORS } from "../schema_check.ts";
import { Place, quote } from "../schema_place.ts";

/** The JSON form of a schema. */
export type SchemaJson = {
  readonly name: string;
  readonly version: {
    readonly major: number;
    readonly minor: number;
    readonly patch: number;
  };
  readonly fields: readonly FieldJson[];
  readonly read_behavior: ReadBehavior;
  readonly default_capacity: number;
};

/** Schemas by name, to which a `SchemaRef` can refer. */
export type SchemaTable = ReadonlyMap<string, Schema>;

/**
 * Returns the JSON form of `schema`. Schemas that it refers to are named in it,
 * not included.
 *
 * ```ts
 * import { schemaToJson, VideoFrame } from "@streamlib/bridge";
 *
 * console.log(schemaToJson(VideoFrame).version); // { major: 1, minor: 0, patch: 0 }
 * console.log(schemaToJson(VideoFrame, "full").version.minor); // 1
 * ```
 *
 * @param form `base`, the default, is what the broker keeps and both sides hash;
 * `full` has marks too, and what minor versions have added
 */
export function schemaToJson(
  schema: Schema,
  form: SchemaForm = "base",
): SchemaJson {
  const { name, version, fields, read_behavior, default_capacity } = schema;
  return {
    name,
    version: form === "base" ? baseVersion(schema) : { ...version },
    fields: fieldsToJson(fields, form),
    read_behavior,
    default_capacity,
  };
}

/**
 * Reads a schema from its JSON form.
 *
 * ```ts
 * import { parseSchema } from "@streamlib/bridge";
 *
 * const Level = parseSchema({
 *   name: "Level",
 *   version: { major: 1, minor: 0, patch: 0 },
 *   fields: [{ name: "decibels", type: "Float32" }],
 *   read_behavior: "skip_to_latest",
 *   default_capacity: 16,
 * });
 * console.log(Level.fields["decibels"]?.type.kind); // "Float32"
 * ```
 *
 * @param json the parsed JSON, from any source
 * @param table the schemas that its fields can refer to
 * @throws {BridgeError} `schema_mismatch`, naming the schema, the field and what is wrong with it
 */
export function parseSchema(
  json: unknown,
  table: SchemaTable = new Map(),
): Schema {
  return readSchema(
    json,
    (place, name) => table.get(name) ?? unknownSchema(place, name),
  );
}

/**
 * Reads schemas from their JSON forms, in any order. They can refer to each
 * other.
 *
 * @throws {BridgeError} `schema_mismatch`, also if two have the same name or if references form a circle
 */
export function parseSchemas(list: readonly unknown[]): SchemaTable {
  const unread = new Map<string, unknown>();
  for (const json of list) {
    const name = nameOf(json);
    if (unread.has(name)) {
      placeOf(name).refuse("there is another schema of that name");
    }
    unread.set(name, json);
  }
  const table = new Map<string, Schema>();
  const reading: string[] = [];
  const resolve: Resolve = (place, name) => {
    const known = table.get(name);
    if (known) return known;
    if (!unread.has(name)) unknownSchema(place, name);
    if (reading.includes(name)) {
      place.refuse(
        `the schemas refer to themselves: ${[...reading, name].join(" → ")}`,
      );
    }
    if (reading.length >= MAX_NESTING) {
      place.refuse(`types are nested more than ${MAX_NESTING} deep`);
    }
    reading.push(name);
    const made = readSchema(unread.get(name), resolve);
    reading.pop();
    table.set(name, made);
    return made;
  };
  for (const name of unread.keys()) resolve(placeOf(name), name);
  return table;
}

const KEYS = [
  "name",
  "version",
  "fields",
  "read_behavior",
  "default_capacity",
] as const;

function placeOf(name: string): Place {
  return new Place(`schema ${quote(name)}`);
}

function unknownSchema(place: Place, name: string): never {
  place.refuse(`there is no schema ${quote(name)} to refer to`);
}

function nameOf(json: unknown): string {
  const place = new Place("a schema");
  const { name } = place.open(json, ["name"]);
  return place.string("name", name);
}

function readSchema(json: unknown, resolve: Resolve): Schema {
  const name = nameOf(json);
  const place = placeOf(name);
  const keys = place.object(json, KEYS) as Record<keyof SchemaJson, unknown>;
  place.inside("version").object(keys.version, ["major", "minor", "patch"]);
  return schema({
    name,
    version: keys.version as SchemaJson["version"],
    fields: new FieldReader(place, resolve).fields(keys.fields),
    read_behavior: place.oneOf(
      "read_behavior",
      keys.read_behavior,
      READ_BEHAVIORS,
    ),
    default_capacity: checkCapacity(
      place,
      "default_capacity",
      keys.default_capacity,
    ),
  });
}
