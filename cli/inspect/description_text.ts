/**
 * A processor's description as text for a terminal.
 *
 * @module
 */

import type {
  ConnectionSchemaJson,
  PortJson,
} from "../../proto/schema/json/connection_schema_json.ts";
import type {
  CallJson,
  SettingJson,
} from "../../proto/schema/json/declarations_json.ts";
import type { ProcessorDescription } from "../../proto/schema/json/description_json.ts";
import type {
  FieldJson,
  FieldTypeJson,
} from "../../proto/schema/json/field_type_json.ts";
import type { SchemaJson } from "../../proto/schema/json/schema_json.ts";
import { styled } from "../text/style.ts";
import {
  type Column,
  type Row,
  tableLines,
  type TableSpace,
} from "../text/table.ts";

/** Returns the lines that show a description: a heading, then a table for each kind of declaration. */
export function descriptionLines(
  name: string,
  { mode, ports, settings, calls }: ProcessorDescription,
  space: TableSpace,
): string[] {
  const tables: readonly (readonly [string, readonly Column[], Row[]])[] = [
    ["Inputs", PORT_COLUMNS, (ports?.inputs ?? []).map(portRow)],
    ["Outputs", PORT_COLUMNS, (ports?.outputs ?? []).map(portRow)],
    ["Settings", SETTING_COLUMNS, settings.map(settingRow)],
    ["Calls", CALL_COLUMNS, calls.map(callRow)],
    [
      "Schemas",
      SCHEMA_COLUMNS,
      ports === null ? [] : schemasOf(ports).map(schemaRow),
    ],
  ];
  return [
    styled(`${name}: a ${mode} processor`, "title", space.colour),
    ...(ports === null ? ["Its ports are those of its host."] : []),
    ...tables.flatMap(([title, columns, rows]) =>
      rows.length === 0 ? [] : [
        "",
        styled(title, "title", space.colour),
        ...tableLines(columns, rows, space),
      ]
    ),
  ];
}

const PORT_COLUMNS: readonly Column[] = [
  { title: "PORT", importance: 3 },
  { title: "SCHEMA", importance: 2 },
  { title: "READ" },
  { title: "CAPACITY", align: "right" },
  { title: "REQUIRED" },
];

function portRow(port: PortJson): Row {
  const notes = [
    ...(port.description === "" ? [] : [port.description]),
    ...(port.formats ? [`formats: ${port.formats.join(", ")}`] : []),
  ];
  return {
    cells: [
      port.name,
      schemaName(port.schema),
      port.read_behavior,
      String(port.capacity),
      port.required ? "yes" : "no",
    ],
    ...(notes.length > 0 && { note: notes.join("; ") }),
  };
}

const SETTING_COLUMNS: readonly Column[] = [
  { title: "SETTING", importance: 3 },
  { title: "TYPE", importance: 2 },
  { title: "DEFAULT" },
  { title: "MINIMUM" },
  { title: "MAXIMUM" },
];

function settingRow(setting: SettingJson): Row {
  const { minimum, maximum, description } = setting;
  return {
    cells: [
      setting.name,
      typeText(setting.type),
      String(setting.default),
      minimum === undefined ? "-" : String(minimum),
      maximum === undefined ? "-" : String(maximum),
    ],
    ...(description !== undefined && { note: description }),
  };
}

const CALL_COLUMNS: readonly Column[] = [
  { title: "CALL", importance: 3 },
  { title: "REQUEST" },
  { title: "REPLY" },
];

function callRow({ name, request, reply }: CallJson): Row {
  return {
    cells: [name, fieldsText(request) || "-", fieldsText(reply) || "-"],
  };
}

const SCHEMA_COLUMNS: readonly Column[] = [{ title: "SCHEMA" }];

/** All schemas, each once: those of ports, then those that fields refer to. */
function schemasOf(
  { inputs, outputs, schemas = [] }: ConnectionSchemaJson,
): SchemaJson[] {
  const all = [
    ...[...inputs, ...outputs].map(({ schema }) => schema),
    ...schemas,
  ];
  return [...new Map(all.map((one) => [JSON.stringify(one), one])).values()];
}

function schemaRow(schema: SchemaJson): Row {
  return { cells: [schemaName(schema)], note: fieldsText(schema.fields) };
}

function schemaName({ name, version }: SchemaJson): string {
  return `${name} ${version.major}.${version.minor}.${version.patch}`;
}

function fieldsText(fields: readonly FieldJson[]): string {
  return fields.map(({ name, type }) => `${name}: ${typeText(type)}`)
    .join(", ");
}

function typeText(type: FieldTypeJson): string {
  if (typeof type === "string") return type;
  if ("Texture" in type) return `Texture(${type.Texture.format})`;
  if ("Buffer" in type) return `Buffer(${type.Buffer.element_type})`;
  if ("Struct" in type) return `{ ${fieldsText(type.Struct.fields)} }`;
  if ("Optional" in type) return `Optional(${typeText(type.Optional)})`;
  if ("SchemaRef" in type) return type.SchemaRef;
  if ("Enum" in type) {
    const names = type.Enum.map((one) =>
      typeof one === "string" ? one : one.name
    );
    return `Enum(${names.join(", ")})`;
  }
  const { Array: array } = type;
  return typeof array === "object" && "element" in array
    ? `Array(${typeText(array.element)}, ${array.length})`
    : `Array(${typeText(array)})`;
}
