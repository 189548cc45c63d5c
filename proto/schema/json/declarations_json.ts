/**
 * The JSON form of what a processor declares beside its ports: its settings and
 * its calls. The client tells it to its host when the module is loaded.
 *
 * Reading is strict, as in `schema_json.ts`.
 *
 * @module
 */

import { MAX_CALLS, MAX_FIELDS, MAX_SCHEMA_BYTES } from "../../limits.ts";
import type { CallSchemas } from "../call_types.ts";
import { fieldsHaveMemory } from "../field_memory.ts";
import type { Fields, FieldType, Schema } from "../field_type.ts";
import { schema } from "../schema.ts";
import { checkCallName, checkIdentifier } from "../schema_check.ts";
import { Place, quote, show } from "../schema_place.ts";
import type {
  Setting,
  SettingMap,
  SettingType,
  SettingValue,
} from "../settings.ts";
import {
  type FieldJson,
  FieldReader,
  fieldsToJson,
  type FieldTypeJson,
} from "./field_type_json.ts";

/**
 * The JSON form of a setting's value: 64-bit integers are decimal strings, and a
 * number that is not finite is `"NaN"`, `"Infinity"` or `"-Infinity"`.
 */
export type SettingValueJson = boolean | number | string;

/** The JSON form of a setting. */
export type SettingJson = {
  readonly name: string;
  readonly description?: string;
  readonly type: FieldTypeJson;
  readonly default: SettingValueJson;
  readonly minimum?: SettingValueJson;
  readonly maximum?: SettingValueJson;
};

/** The JSON form of a call. */
export type CallJson = {
  readonly name: string;
  readonly request: readonly FieldJson[];
  readonly reply: readonly FieldJson[];
};

/** The JSON form of what a processor declares beside its ports. */
export type DeclarationsJson = {
  readonly settings: readonly SettingJson[];
  readonly calls: readonly CallJson[];
};

/** What a processor declares beside its ports. */
export interface Declarations {
  /** Its settings, by name. */
  readonly settings: SettingMap;
  /** The schemas of its calls, by name. */
  readonly calls: Readonly<Record<string, CallSchemas>>;
}

/** What a processor declares that declares nothing. */
export const NO_DECLARATIONS: Declarations = Object.freeze({
  settings: Object.freeze({}),
  calls: Object.freeze({}),
});

/** Returns the schemas of a call. Throws `schema_mismatch` if its name or its fields are not valid, or they have textures or buffers. */
export function callSchemas(
  name: string,
  request: Fields,
  reply: Fields,
): CallSchemas {
  checkCallName(new Place("the calls"), name);
  const made = (what: "request" | "reply", fields: Fields): Schema => {
    const place = new Place(`the call ${quote(name)}`).inside(`its ${what}`);
    if (fieldsHaveMemory(fields)) {
      place.refuse(
        "it has a texture or a buffer, and only frames have memory; use Bytes, up to 1 MiB in all",
      );
    }
    return schema({
      name: `${name}.${what}`,
      version: { major: 1, minor: 0, patch: 0 },
      fields,
    });
  };
  return { request: made("request", request), reply: made("reply", reply) };
}

/**
 * Returns the JSON form of what a processor declares. A field that refers to a
 * schema is written as a `Struct` of its fields: both travel as dictionaries.
 */
export function declarationsToJson(
  { settings, calls }: Declarations,
): DeclarationsJson {
  return {
    settings: Object.entries(settings).map(([name, one]) =>
      settingToJson(name, one)
    ),
    calls: Object.entries(calls).map(([name, { request, reply }]) => ({
      name,
      request: fieldsToJson(inlined(request.fields), "base"),
      reply: fieldsToJson(inlined(reply.fields), "base"),
    })),
  };
}

function settingToJson(name: string, one: Setting): SettingJson {
  const { description, minimum, maximum } = one;
  const { type } = fieldsToJson({ [name]: { type: one.type } }, "base")[0]!;
  return {
    name,
    ...(description !== undefined && { description }),
    type,
    default: valueToJson(one.default),
    ...(minimum !== undefined && { minimum: valueToJson(minimum) }),
    ...(maximum !== undefined && { maximum: valueToJson(maximum) }),
  };
}

/** Returns the JSON form of a setting's value. */
export function valueToJson(value: SettingValue): SettingValueJson {
  if (typeof value === "bigint") return String(value);
  return typeof value === "number" && !Number.isFinite(value)
    ? String(value)
    : value;
}

function inlined(fields: Fields): Fields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [name, {
      ...field,
      type: inlinedType(field.type),
    }]),
  );
}

function inlinedType(type: FieldType): FieldType {
  switch (type.kind) {
    case "SchemaRef":
      return { kind: "Struct", fields: inlined(type.schema.fields) };
    case "Struct":
      return { kind: "Struct", fields: inlined(type.fields) };
    case "Array":
      return { ...type, element: inlinedType(type.element) };
    case "Optional":
      return { ...type, inner: inlinedType(type.inner) };
    default:
      return type;
  }
}

const PLACE = new Place("what the processor declares");

/**
 * Reads what a client declares. The settings' defaults and limits are checked by
 * `SettingsCodec`.
 *
 * @throws {BridgeError} `schema_mismatch`, naming the place, if it is not valid;
 * `malformed_message` if the text is not JSON, or too long
 */
export function parseDeclarations(text: string): Declarations {
  const keys = PLACE.object(PLACE.json(text, MAX_SCHEMA_BYTES), [
    "settings",
    "calls",
  ]);
  return {
    settings: readNamed("settings", keys["settings"], MAX_FIELDS, readSetting),
    calls: readNamed("calls", keys["calls"], MAX_CALLS, readCall),
  };
}

function readNamed<T>(
  what: string,
  json: unknown,
  most: number,
  read: (place: Place, json: unknown) => readonly [name: string, one: T],
): Readonly<Record<string, T>> {
  const list = PLACE.array(`'${what}'`, json);
  if (list.length > most) {
    PLACE.refuse(
      `'${what}' has ${list.length} entries; at most ${most} are allowed`,
    );
  }
  const made = new Map<string, T>();
  for (const [index, item] of list.entries()) {
    const place = PLACE.inside(`'${what}[${index}]'`);
    const [name, one] = read(place, item);
    checkIdentifier(place, "the name", name);
    if (made.has(name)) place.refuse(`another one is called ${quote(name)}`);
    made.set(name, one);
  }
  return Object.fromEntries(made);
}

function readSetting(place: Place, json: unknown): readonly [string, Setting] {
  const keys = place.object(
    json,
    ["name", "type", "default"],
    ["description", "minimum", "maximum"],
  );
  const name = place.string("name", keys["name"]);
  const read = fieldsOf(place, [{ name, type: keys["type"] }])[name]!;
  const type = read.type as SettingType; // SettingsCodec refuses the others
  const value = (key: string): SettingValue =>
    valueFromJson(place.inside(`'${key}'`), type, keys[key]);
  const limit = (key: string) => (key in keys ? { [key]: value(key) } : {});
  return [name, {
    type,
    default: value("default"),
    ...limit("minimum"),
    ...limit("maximum"),
    ...("description" in keys && {
      description: place.string("description", keys["description"]),
    }),
  }];
}

/** Returns the value in `json`. Refuses what has not the form of a value of this type; its range is not checked. */
export function valueFromJson(
  place: Place,
  { kind }: FieldType,
  json: unknown,
): SettingValue {
  const refuse = (wanted: string): never =>
    place.refuse(`it is ${show(json)}, not ${wanted}`);
  switch (kind) {
    case "Int64":
    case "UInt64":
      return typeof json === "string" && /^-?\d{1,20}$/.test(json)
        ? BigInt(json)
        : refuse("an integer in a string");
    case "Bool":
      return typeof json === "boolean" ? json : refuse("true or false");
    case "String":
    case "Enum":
      return place.text("it", json);
    default:
      if (typeof json === "number") return json;
      return json === "NaN" || json === "Infinity" || json === "-Infinity"
        ? Number(json)
        : refuse("a number");
  }
}

function readCall(
  place: Place,
  json: unknown,
): readonly [string, CallSchemas] {
  const keys = place.object(json, ["name", "request", "reply"]);
  const name = place.string("name", keys["name"]);
  return [
    name,
    callSchemas(
      name,
      fieldsOf(place.inside("'request'"), keys["request"]),
      fieldsOf(place.inside("'reply'"), keys["reply"]),
    ),
  ];
}

function fieldsOf(place: Place, json: unknown): Fields {
  const reader = new FieldReader(
    place,
    (at, name) =>
      at.refuse(
        `a field refers to the schema ${quote(name)}: write its Struct`,
      ),
  );
  return reader.fields(json);
}
