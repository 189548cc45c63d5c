/**
 * Reads a request's fields: the one place where what a peer sent becomes typed.
 *
 * @module
 */

import { BridgeError } from "../../proto/errors.ts";
import { MAX_NAME_BYTES } from "../../proto/limits.ts";
import { type Side, SIDES } from "../../proto/states/states.ts";

/**
 * The fields of one request. An absent field (`undefined`, `null`) reads as
 * proto3's default; each reader throws BridgeError `bad_argument`, which names
 * the operation, the field, what was found and what is expected.
 */
export class RequestFields {
  readonly #operation: string;
  readonly #request: Readonly<Record<string, unknown>>;

  /** @param operation what the request asks for, for the message of an error
   * @param request any plain object */
  constructor(operation: string, request: object) {
    this.#operation = operation;
    this.#request = request as Record<string, unknown>;
  }

  /** A string of at most `maxBytes` bytes of UTF-8; "" when absent. */
  text(name: string, maxBytes: number): string {
    const value = this.#read(name) ?? "";
    if (typeof value !== "string") {
      throw this.#malformed(name, describe(value), "a string");
    }
    const bytes = value.length > maxBytes ? value.length : utf8Length(value);
    if (bytes > maxBytes) {
      throw this.#malformed(
        name,
        `${bytes} bytes long`,
        `at most ${maxBytes} bytes`,
      );
    }
    return value;
  }

  /** A name that may be "": short, without control characters. A path or an address may be longer. */
  optionalName(name: string, maxBytes = MAX_NAME_BYTES): string {
    const value = this.text(name, maxBytes);
    // deno-lint-ignore no-control-regex -- they have no place in a name
    if (/[\x00-\x1f\x7f-\x9f]/.test(value)) {
      throw this.#malformed(name, "with control characters", "a plain name");
    }
    return value;
  }

  /** A name that must be given. */
  name(name: string): string {
    const value = this.optionalName(name);
    if (value === "") throw this.#malformed(name, "empty", "a name");
    return value;
  }

  /** A string of exactly `bytes` bytes as lower-case hexadecimal digits, or "" when absent. */
  optionalHex(name: string, bytes: number): string {
    const value = this.text(name, MAX_NAME_BYTES);
    if (
      value !== "" && (value.length !== 2 * bytes || !/^[0-9a-f]+$/.test(value))
    ) {
      throw this.#malformed(
        name,
        `${value.length} characters`,
        `${2 * bytes} lower-case hexadecimal digits`,
      );
    }
    return value;
  }

  /** `host` or `client`. */
  side(name = "side"): Side {
    const value = this.text(name, MAX_NAME_BYTES);
    const side = SIDES.find((side) => side === value);
    if (side !== undefined) return side;
    throw this.#malformed(name, JSON.stringify(value), "host or client");
  }

  /** A number from 0 to `max`, whole unless `fraction`; 0 when absent. A bigint in that range is taken too. */
  number(name: string, max: number, fraction = false): number {
    const value = this.#read(name) ?? 0;
    const number = typeof value === "bigint" ? Number(value) : value;
    if (
      typeof number === "number" && number >= 0 && number <= max &&
      (fraction || Number.isInteger(number))
    ) return number;
    throw this.#malformed(
      name,
      describe(value),
      `a ${fraction ? "" : "whole "}number from 0 to ${max}`,
    );
  }

  /** A boolean; false when absent. */
  flag(name: string): boolean {
    const value = this.#read(name) ?? false;
    if (typeof value === "boolean") return value;
    throw this.#malformed(name, describe(value), "true or false");
  }

  /** JSON of an object in at most `maxBytes` bytes, or "". Only that it parses is checked here. */
  optionalJson(name: string, maxBytes: number): string {
    const text = this.text(name, maxBytes);
    if (text !== "" && !isJsonObject(text)) {
      throw this.#malformed(name, "not JSON of an object", "a JSON object");
    }
    return text;
  }

  /** The error for a field that is not what it has to be. */
  #malformed(name: string, found: string, expected: string): BridgeError {
    return new BridgeError(
      "bad_argument",
      `Cannot ${this.#operation}: field '${name}' is ${found}, expected ${expected}`,
    );
  }

  #read(name: string): unknown {
    return Object.hasOwn(this.#request, name) ? this.#request[name] : undefined;
  }
}

function describe(value: unknown): string {
  return typeof value === "number" || typeof value === "bigint"
    ? String(value)
    : typeof value;
}

function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length;
}

function isJsonObject(text: string): boolean {
  try {
    const value = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false; // not JSON at all
  }
}
