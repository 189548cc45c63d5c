/**
 * How two schemas differ that must be the same, in words.
 *
 * @module
 */

import { canonicalJson, type JsonValue } from "./json/canonical_json.ts";
import type { Schema } from "./field_type.ts";
import { type SchemaJson, schemaToJson } from "./json/schema_json.ts";

/**
 * Returns how the base form of the module's schema differs from the host's, as the
 * end of a sentence about the module; `undefined` if they are the same.
 *
 * Of several differences the first is named: the name, the version, then the fields.
 */
export function schemaDifference(
  modules: Schema,
  hosts: Schema,
): string | undefined {
  if (modules === hosts) return undefined;
  const [mine, theirs] = [schemaToJson(modules), schemaToJson(hosts)];
  if (isSame(mine, theirs)) return undefined;
  if (mine.name !== theirs.name) {
    return `the module has ${mine.name}, the host ${theirs.name}`;
  }
  return `the module has another ${mine.name} than the host: ${
    detail(mine, theirs)
  }; declare the same schema in both`;
}

function detail(mine: SchemaJson, theirs: SchemaJson): string {
  const [one, other] = [versionOf(mine), versionOf(theirs)];
  if (one !== other) {
    return `the module's version is ${one}, the host's ${other}`;
  }
  return fieldDifference(mine.fields, theirs.fields) ??
    `the ${
      mine.read_behavior !== theirs.read_behavior
        ? "read_behavior"
        : "default_capacity"
    } differs`;
}

function versionOf({ version: { major, minor, patch } }: SchemaJson): string {
  return `${major}.${minor}.${patch}`;
}

function fieldDifference(
  mine: SchemaJson["fields"],
  theirs: SchemaJson["fields"],
): string | undefined {
  if (isSame(mine, theirs)) return undefined;
  const hosts = new Map(theirs.map((each) => [each.name, each]));
  for (const each of mine) {
    const other = hosts.get(each.name);
    if (other === undefined) {
      return `the host's schema has no field '${each.name}'`;
    }
    if (!isSame(each.type, other.type)) {
      return `the type of the field '${each.name}' differs`;
    }
    if (each.description !== other.description) {
      return `the description of the field '${each.name}' differs`;
    }
  }
  const own = new Set(mine.map(({ name }) => name));
  const lacking = theirs.find(({ name }) => !own.has(name));
  if (lacking !== undefined) {
    return `the module's schema has no field '${lacking.name}'`;
  }
  return "the fields are in another order";
}

function isSame(one: JsonValue, other: JsonValue): boolean {
  return canonicalJson(one) === canonicalJson(other);
}
