/**
 * The JSON form of a connection's schema. The broker keeps it, and both sides
 * hash it. Reading is strict, as in `schema_json.ts`.
 *
 * @module
 */

import { canonicalJson } from "./canonical_json.ts";
import {
  type ConnectionSchema,
  connectionSchema,
} from "../connection_schema.ts";
import type { FieldType } from "../field_type.ts";
import { type Port, port, type PortMap, type PortsOf } from "../port.ts";
import type { ReadBehavior, Schema } from "../field_type.ts";
import { checkCapacity, READ_BEHAVIORS } from "../schema_check.ts";
import { PIXEL_FORMATS, type PixelFormat } from "../surface.ts";
import type { SchemaForm } from "./field_type_json.ts";
import {
  parseSchema,
  parseSchemas,
  type SchemaJson,
  type SchemaTable,
  schemaToJson,
} from "./schema_json.ts";
import { Place, quote } from "../schema_place.ts";

/** The JSON form of a port. */
export type PortJson = {
  readonly name: string;
  readonly description: string;
  readonly schema: SchemaJson;
  readonly required: boolean;
  readonly read_behavior: ReadBehavior;
  readonly capacity: number;
  /** The pixel formats that it lists. Only in the full form. */
  readonly formats?: readonly PixelFormat[];
};

/** The JSON form of a connection's schema. */
export type ConnectionSchemaJson = {
  readonly inputs: readonly PortJson[];
  readonly outputs: readonly PortJson[];
  /** The schemas that fields refer to by name. Absent if there are none. */
  readonly schemas?: readonly SchemaJson[];
};

/**
 * Returns the JSON form of `connection`.
 *
 * @param form `base`, the default, is what the broker keeps and both sides hash;
 * `full` is what {@link schemaToJson} adds, and the formats of ports
 */
export function connectionSchemaToJson(
  connection: ConnectionSchema,
  form: SchemaForm = "base",
): ConnectionSchemaJson {
  const schemas = referredSchemas(connection);
  return {
    inputs: portsToJson(connection.inputs, form),
    outputs: portsToJson(connection.outputs, form),
    ...(schemas.length === 0
      ? {}
      : { schemas: schemas.map((schema) => schemaToJson(schema, form)) }),
  };
}

function portsToJson(ports: PortsOf<PortMap>, form: SchemaForm): PortJson[] {
  return Object.entries(ports).map(([name, port]) => ({
    name,
    description: port.description,
    schema: schemaToJson(port.schema, form),
    required: port.required,
    read_behavior: port.read_behavior,
    capacity: port.capacity,
    ...(form === "full" && port.formats && { formats: port.formats }),
  }));
}

/** Returns all schemas that fields refer to, directly or through other schemas, by name. */
function referredSchemas(connection: ConnectionSchema): Schema[] {
  const found = new Map<string, Schema>();
  const visitFields = (schema: Pick<Schema, "fields">): void => {
    for (const { type } of Object.values(schema.fields)) visit(type);
  };
  const visit = (type: FieldType): void => {
    if (type.kind === "Array") visit(type.element);
    else if (type.kind === "Optional") visit(type.inner);
    else if (type.kind === "Struct") visitFields(type);
    else if (type.kind === "SchemaRef") {
      const { schema } = type;
      const known = found.get(schema.name);
      if (known === schema) return;
      if (known && !sameSchema(known, schema)) {
        CONNECTION.refuse(
          `its fields refer to two schemas of the name ${quote(schema.name)}`,
        );
      }
      found.set(schema.name, schema);
      visitFields(schema);
    }
  };
  for (const ports of [connection.inputs, connection.outputs]) {
    for (const { schema } of Object.values(ports)) visitFields(schema);
  }
  return [...found.values()].sort((a, b) => a.name < b.name ? -1 : 1);
}

function sameSchema(a: Schema, b: Schema): boolean {
  return canonicalJson(schemaToJson(a)) === canonicalJson(schemaToJson(b));
}

/**
 * Reads the schema of a connection from its JSON form.
 *
 * @param json the parsed JSON, from any source
 * @param form which form it has
 * @throws {BridgeError} `schema_mismatch`, naming the port, or the schema and the field, and what is wrong with it
 */
export function parseConnectionSchema(
  json: unknown,
  form: SchemaForm = "base",
): ConnectionSchema {
  const keys = CONNECTION.object(json, ["inputs", "outputs"], ["schemas"]);
  const table = parseSchemas(
    CONNECTION.array("'schemas'", keys["schemas"] ?? []),
  );
  return connectionSchema({
    inputs: parsePorts("input", keys["inputs"], table, form),
    outputs: parsePorts("output", keys["outputs"], table, form),
  });
}

const CONNECTION = new Place("the connection's schema");

const PORT_KEYS = [
  "name",
  "description",
  "schema",
  "required",
  "read_behavior",
  "capacity",
] as const;

function parsePorts(
  side: string,
  json: unknown,
  table: SchemaTable,
  form: SchemaForm,
): PortMap {
  const ports = new Map<string, Port>();
  for (const [index, item] of CONNECTION.array(`'${side}s'`, json).entries()) {
    const nth = CONNECTION.inside(`'${side}s[${index}]'`);
    const keys = nth.object(
      item,
      PORT_KEYS,
      form === "full" ? ["formats"] : [],
    ) as Partial<Record<keyof PortJson, unknown>>;
    const name = nth.string("name", keys.name);
    if (ports.has(name)) {
      nth.refuse(`another ${side} is called ${quote(name)}`);
    }
    const place = CONNECTION.inside(`${side} ${quote(name)}`);
    const schema = parseSchema(keys.schema, table);
    const read_behavior = place.oneOf(
      "read_behavior",
      keys.read_behavior,
      READ_BEHAVIORS,
    );
    ports.set(
      name,
      port(schema, {
        description: place.string("description", keys.description),
        required: place.boolean("required", keys.required),
        ...(read_behavior !== schema.read_behavior && { read_behavior }),
        capacity: checkCapacity(place, "capacity", keys.capacity),
        ...("formats" in keys &&
          { formats: parseFormats(place, keys.formats) }),
      }),
    );
  }
  return Object.fromEntries(ports);
}

const FORMATS = Object.keys(PIXEL_FORMATS) as PixelFormat[];

function parseFormats(place: Place, json: unknown): readonly PixelFormat[] {
  return place.array("'formats'", json).map((one) =>
    place.oneOf("formats", one, FORMATS)
  );
}
