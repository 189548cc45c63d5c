/**
 * Reads and checks the fields of a request.
 *
 * @module
 */

import { BridgeError } from "../../proto/errors.ts";
import { fitLine } from "../../proto/escape.ts";
import { MAX_NAME_BYTES, MAX_REASON_LENGTH } from "../../proto/limits.ts";
import { type Side, SIDES } from "../../proto/states/states.ts";

/**
 * The fields of one request. A missing field (`undefined`, `null`) has proto3's
 * default. Each method throws BridgeError `bad_argument` with the operation, the
 * field, what was found and what is expected.
 */
export class RequestFields {
  /** The name of the call, for errors and the log. */
  readonly operation: string;
  readonly #request: Readonly<Record<string, unknown>>;

  /** @param operation the name of the call
   * @param request any plain object */
  constructor(operation: string, request: object) {
    this.operation = operation;
    this.#request = request as Record<string, unknown>;
  }

  /** A string of at most `maxBytes` bytes of UTF-8; "" if missing. */
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

  /** A string of any length and content, cut and escaped to a reason; "" if missing. */
  reason(name: string): string {
    return fitLine(this.text(name, Infinity), MAX_REASON_LENGTH);
  }

  /** A string without control characters; "" if missing. `maxBytes` is larger for a path or an address. */
  optionalName(name: string, maxBytes = MAX_NAME_BYTES): string {
    const value = this.text(name, maxBytes);
    // deno-lint-ignore no-control-regex -- they have no place in a name
    if (/[\x00-\x1f\x7f-\x9f]/.test(value)) {
      throw this.#malformed(name, "with control characters", "a plain name");
    }
    return value;
  }

  /** A name that is not "". */
  name(name: string): string {
    const value = this.optionalName(name);
    if (value === "") throw this.#malformed(name, "empty", "a name");
    return value;
  }

  /** `bytes` bytes as lower-case hexadecimal digits; "" if missing. */
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

  /** A number or bigint from 0 to `max`; an integer unless `fraction` is set; 0 if missing. */
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

  /** A boolean; false if missing. */
  flag(name: string): boolean {
    const value = this.#read(name) ?? false;
    if (typeof value === "boolean") return value;
    throw this.#malformed(name, describe(value), "true or false");
  }

  /** A JSON object of at most `maxBytes` bytes, as text; "" if missing. Its content is not checked. */
  optionalJson(name: string, maxBytes: number): string {
    const text = this.text(name, maxBytes);
    if (text !== "" && !isJsonObject(text)) {
      throw this.#malformed(name, "not JSON of an object", "a JSON object");
    }
    return text;
  }

  /** The error for a malformed field. */
  #malformed(name: string, found: string, expected: string): BridgeError {
    return new BridgeError(
      "bad_argument",
      `Cannot ${this.operation}: field '${name}' is ${found}, expected ${expected}`,
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
