/**
 * Schemas and ports in the form of the runtime registry. Its fields have only
 * primitive types, each with an optional fixed shape.
 *
 * | field type | in the registry |
 * |---|---|
 * | `Bool` | `bool` |
 * | `Int32`, `Int64`, `UInt32`, `UInt64` | `i32`, `i64`, `u32`, `u64` |
 * | `Float32`, `Float64` | `f32`, `f64` |
 * | `FixedArray(Float32, 512)`, or of any type above | `f32` with `shape` `[512]` |
 * | `FixedArray(FixedArray(Float32, 4), 3)`, and deeper | `f32` with `shape` `[3, 4]`, the outermost first |
 *
 * Other types have no counterpart. They are refused, never left out, so that a
 * conversion there and back changes nothing. An empty `shape` and an `internal`
 * of false mean the same as none: they are accepted, and not written.
 *
 * @module
 */

import type { FieldType, ScalarKind } from "../field_type.ts";
import type { FieldTypeJson } from "./field_type_json.ts";
import { type Port, port, type PortMap } from "../port.ts";
import type { Schema } from "../field_type.ts";
import { baseVersion } from "../minor.ts";
import { checkIdentifier, MAX_ARRAY_LENGTH } from "../schema_check.ts";
import {
  parseSchema,
  type SchemaJson,
  type SchemaTable,
} from "./schema_json.ts";
import { Place, quote, show } from "../schema_place.ts";

/** A primitive type of the registry. */
export type RegistryPrimitive =
  | "bool"
  | "i32"
  | "i64"
  | "u32"
  | "u64"
  | "f32"
  | "f64";

/** A field in the registry. */
export type RegistryFieldJson = {
  readonly name: string;
  readonly description?: string;
  readonly type: RegistryPrimitive;
  /** The number of values in each dimension, the outermost first. Absent for a single value. */
  readonly shape?: readonly number[];
};

/** A schema in the registry. */
export type RegistrySchemaJson = Omit<SchemaJson, "fields"> & {
  readonly fields: readonly RegistryFieldJson[];
};

/** A port in the registry. */
export type RegistryPortJson = {
  readonly name: string;
  readonly description: string;
  /** The name of its schema. */
  readonly schema: string;
  readonly required: boolean;
};

const KINDS: Readonly<Record<RegistryPrimitive, ScalarKind>> = Object.freeze({
  bool: "Bool",
  i32: "Int32",
  i64: "Int64",
  u32: "UInt32",
  u64: "UInt64",
  f32: "Float32",
  f64: "Float64",
});

const PRIMITIVES = Object.keys(KINDS) as RegistryPrimitive[];

const PRIMITIVE_OF: ReadonlyMap<string, RegistryPrimitive> = new Map(
  PRIMITIVES.map((primitive) => [KINDS[primitive], primitive]),
);

/**
 * Converts the base form of a schema into the form of the registry.
 *
 * ```ts
 * import { FixedArray, Float32, Int64, schema, schemaToRegistry } from "@streamlib/bridge";
 *
 * const Embedding = schema({
 *   name: "Embedding",
 *   version: { major: 1, minor: 0, patch: 0 },
 *   fields: { vector: FixedArray(Float32, 512), timestamp_ns: Int64 },
 * });
 * console.log(schemaToRegistry(Embedding).fields);
 * // [{ name: "vector", type: "f32", shape: [512] }, { name: "timestamp_ns", type: "i64" }]
 * ```
 *
 * @throws {BridgeError} `schema_mismatch`, naming the schema, the field and its type, if the registry cannot express it
 */
export function schemaToRegistry(schema: Schema): RegistrySchemaJson {
  const { name, fields, read_behavior, default_capacity } = schema;
  const place = new Place(`schema ${quote(name)} in the runtime registry`);
  const base = Object.entries(fields).filter(([, { since }]) =>
    since === undefined
  );
  return {
    name,
    version: baseVersion(schema),
    fields: base.map(([name, { type, description }]) => ({
      name,
      ...(description === undefined ? {} : { description }),
      ...typeToRegistry(place.inside(`field ${quote(name)}`), type),
    })),
    read_behavior,
    default_capacity,
  };
}

function typeToRegistry(
  place: Place,
  type: FieldType,
): Pick<RegistryFieldJson, "type" | "shape"> {
  const shape: number[] = [];
  let element = type;
  while (element.kind === "Array" && element.length !== undefined) {
    shape.push(element.length);
    element = element.element;
  }
  const primitive = PRIMITIVE_OF.get(element.kind);
  if (primitive === undefined) {
    const hint = element.kind === "Array" ? "; a FixedArray would be" : "";
    place.refuse(
      `its type ${typeName(type)} is not a type of the registry: ${
        PRIMITIVES.join(", ")
      }, alone or in a fixed shape${hint}`,
    );
  }
  return shape.length === 0 ? { type: primitive } : { type: primitive, shape };
}

/** Returns a type as in a definition, without the content of its parameters. */
function typeName(type: FieldType): string {
  if (type.kind !== "Array") return type.kind;
  const element = typeName(type.element);
  return type.length === undefined
    ? `Array(${element})`
    : `FixedArray(${element}, ${type.length})`;
}

/**
 * Reads a schema in the form of the registry.
 *
 * ```ts
 * import { parseRegistrySchema } from "@streamlib/bridge";
 *
 * const Pose = parseRegistrySchema({
 *   name: "Pose",
 *   version: { major: 1, minor: 0, patch: 0 },
 *   fields: [{ name: "matrix", type: "f64", shape: [3, 4] }],
 *   read_behavior: "skip_to_latest",
 *   default_capacity: 64,
 * });
 * console.log(Pose.fields["matrix"]?.type.kind); // "Array", of 3 arrays of 4 numbers
 * ```
 *
 * @param json the parsed JSON, from any source
 * @throws {BridgeError} `schema_mismatch`, naming the schema, the field and its type, if a frame cannot hold it or it is malformed
 */
export function parseRegistrySchema(json: unknown): Schema {
  const any = new Place("a schema of the runtime registry");
  const keys = any.open(json, ["name", "fields"]);
  const name = any.string("name", keys["name"]);
  const place = new Place(`schema ${quote(name)} of the runtime registry`);
  return parseSchema({
    ...keys,
    fields: place.array("'fields'", keys["fields"]).map((field, index) =>
      parseField(place, index, field)
    ),
  });
}

/** Converts a field from the registry's form to that of `parseSchema`, which checks what both forms share. */
function parseField(schema: Place, index: number, json: unknown): unknown {
  const nth = schema.inside(`'fields[${index}]'`);
  const { type, shape, internal, ...shared } = nth.object(
    json,
    ["name", "type"],
    ["description", "shape", "internal"],
  );
  const name = nth.string("name", shared["name"]);
  const place = schema.inside(`field ${quote(name)}`);
  if (internal !== undefined && place.boolean("internal", internal)) {
    place.refuse(
      `its type ${
        show(type)
      } is internal to the runtime, so no frame can hold it`,
    );
  }
  const kind = KINDS[place.oneOf("its type", type, PRIMITIVES)];
  return {
    ...shared,
    type: shape === undefined ? kind : shaped(place, kind, shape),
  };
}

/** Returns nested arrays of the given `shape`. */
function shaped(place: Place, kind: ScalarKind, shape: unknown): FieldTypeJson {
  return place.array("its shape", shape)
    .map((length, index) =>
      place.integer(`shape[${index}]`, length, 0, MAX_ARRAY_LENGTH)
    )
    .reduceRight<FieldTypeJson>(
      (element, length) => ({ Array: { element, length } }),
      kind,
    );
}

/**
 * Converts ports into the form of the registry. Their schemas are named, not
 * included: see {@link schemaToRegistry}.
 *
 * @throws {BridgeError} `schema_mismatch` if a port differs from its schema's defaults, which the registry cannot express
 */
export function portsToRegistry(ports: PortMap): RegistryPortJson[] {
  return Object.entries(ports).map(([name, given]) => {
    const place = new Place(`port ${quote(name)} in the runtime registry`);
    checkIdentifier(place, "the port's name", name);
    const { schema, description, required, read_behavior, capacity }: Port =
      "schema" in given ? given : port(given);
    if (read_behavior !== schema.read_behavior) {
      place.refuse(
        `its read_behavior is ${read_behavior}, and the registry has only the schema's, ${schema.read_behavior}`,
      );
    }
    if (capacity !== schema.default_capacity) {
      place.refuse(
        `its capacity is ${capacity}, and the registry has only the schema's, ${schema.default_capacity}`,
      );
    }
    return { name, description, schema: schema.name, required };
  });
}

/**
 * Reads ports in the form of the registry, for use as the inputs or outputs of a
 * connection.
 *
 * ```ts
 * import { parseRegistryPorts, VideoFrame } from "@streamlib/bridge";
 *
 * const inputs = parseRegistryPorts(
 *   [{ name: "video", description: "The camera", schema: "VideoFrame", required: true }],
 *   new Map([["VideoFrame", VideoFrame]]),
 * );
 * console.log(Object.keys(inputs)); // ["video"]
 * ```
 *
 * @param json the parsed JSON, from any source
 * @param table the schemas that they name: from {@link parseRegistrySchema}, or defined in code if the registry cannot express them
 * @throws {BridgeError} `schema_mismatch`, naming the port and what is wrong with it
 */
export function parseRegistryPorts(json: unknown, table: SchemaTable): PortMap {
  const all = new Place("the ports of the runtime registry");
  const ports = new Map<string, Port>();
  for (const [index, item] of all.array("their list", json).entries()) {
    const nth = all.inside(`'[${index}]'`);
    const keys = nth.object(item, PORT_KEYS) as Record<
      keyof RegistryPortJson,
      unknown
    >;
    const name = nth.string("name", keys.name);
    checkIdentifier(nth, "the port's name", name);
    if (ports.has(name)) nth.refuse(`another port is called ${quote(name)}`);
    const place = all.inside(`port ${quote(name)}`);
    const schema = place.string("schema", keys.schema);
    ports.set(
      name,
      port(
        table.get(schema) ??
          place.refuse(`there is no schema ${quote(schema)}`),
        {
          description: place.string("description", keys.description),
          required: place.boolean("required", keys.required),
        },
      ),
    );
  }
  return Object.freeze(Object.fromEntries(ports));
}

const PORT_KEYS = ["name", "description", "schema", "required"] as const;
