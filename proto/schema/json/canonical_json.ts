/**
 * The canonical form of JSON, RFC 8785: equal data gives equal bytes.
 *
 * @module
 */

import { BridgeError } from "../../errors.ts";

/** Any JSON value. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/**
 * Returns `value` as canonical JSON: no white space, keys in the order of their
 * UTF-16 code units, numbers and strings as ECMAScript writes them.
 *
 * ```ts
 * console.log(canonicalJson({ b: 1.0, a: "€" })); // {"a":"€","b":1}
 * ```
 *
 * @throws {BridgeError} `bad_argument` if there is no canonical form: a lone
 * surrogate, a number that is not finite, a value that JSON does not have
 */
export function canonicalJson(value: JsonValue): string {
  if (Array.isArray(value)) {
    return `[${Array.from(value, (item) => canonicalJson(item)).join(",")}]`;
  }
  switch (typeof value) {
    case "string":
      return canonicalString(value);
    case "number":
      if (!Number.isFinite(value)) refuse(`the number ${value} is not finite`);
      return JSON.stringify(value);
    case "boolean":
      return String(value);
    case "object":
      return value === null ? "null" : canonicalObject(value as JsonObject);
    default:
      return refuse(`JSON has no ${typeof value}`);
  }
}

type JsonObject = { readonly [key: string]: JsonValue };

function canonicalObject(object: JsonObject): string {
  // By default, `sort` compares UTF-16 code units.
  const members = Object.keys(object).sort().map((key) =>
    `${canonicalString(key)}:${canonicalJson(object[key] as JsonValue)}`
  );
  return `{${members.join(",")}}`;
}

function canonicalString(text: string): string {
  if (!text.isWellFormed()) {
    refuse(`the string ${JSON.stringify(text)} has a lone surrogate`);
  }
  return JSON.stringify(text);
}

function refuse(why: string): never {
  throw new BridgeError("bad_argument", `Cannot write canonical JSON: ${why}`);
}
