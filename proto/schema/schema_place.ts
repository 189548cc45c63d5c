/**
 * Places in a schema, for errors that name them, and checks of values there.
 *
 * @module
 */

import { BridgeError, describeError } from "../errors.ts";

/** A place in a schema, or in its JSON form. */
export class Place {
  /** Makes a place.
   * @param name the description of the place, such as `schema 'VideoFrame', field 'width'` */
  constructor(readonly name: string) {}

  /** Returns a place inside this one. */
  inside(name: string): Place {
    return new Place(`${this.name}, ${name}`);
  }

  /** Throws `schema_mismatch` with this place and the reason. */
  refuse(why: string): never {
    throw new BridgeError("schema_mismatch", `Cannot use ${this.name}: ${why}`);
  }

  /** Throws `bad_argument` with this place and the reason: for what TypeScript refuses in code, and JavaScript does not. */
  misuse(why: string): never {
    throw new BridgeError("bad_argument", `Cannot use ${this.name}: ${why}`);
  }

  /** Checks that `value`, which code has given, is an object with anything by name. `advice` says what to write. */
  map(value: unknown, advice: string): void {
    if (hasProperties(value) && !Array.isArray(value)) return;
    this.misuse(`they are ${show(value)}, not an object; write ${advice}`);
  }

  /** Parses JSON. Throws `malformed_message` if `text` is not JSON, or longer than `most` characters. */
  json(text: string, most: number): unknown {
    const refuse = (why: string, cause?: unknown): never => {
      throw new BridgeError(
        "malformed_message",
        `Cannot use ${this.name}: ${why}`,
        cause === undefined ? {} : { cause },
      );
    };
    if (text.length > most) {
      refuse(
        `it has ${text.length} characters; at most ${most} are allowed`,
      );
    }
    try {
      return JSON.parse(text);
    } catch (cause) {
      return refuse(`it is not JSON: ${describeError(cause)}`, cause);
    }
  }

  /** Checks that `value` is an object with all `required` keys, any of the `optional` keys and no others. */
  object(
    value: unknown,
    required: readonly string[],
    optional: readonly string[] = [],
  ): Readonly<Record<string, unknown>> {
    const keys = this.open(value, required);
    const known = [...required, ...optional];
    const unknown = Object.keys(keys).find((key) => !known.includes(key));
    if (unknown !== undefined) {
      this.refuse(
        `it has the key ${quote(unknown)}, and only ${
          known.join(", ")
        } are known`,
      );
    }
    return keys;
  }

  /** Checks that `value` is an object with all `required` keys. It may have others. */
  open(
    value: unknown,
    required: readonly string[],
  ): Readonly<Record<string, unknown>> {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      this.refuse(`it is ${show(value)}, not an object`);
    }
    const missing = required.find((key) => !Object.hasOwn(value, key));
    if (missing !== undefined) this.refuse(`'${missing}' is missing`);
    return value as Readonly<Record<string, unknown>>;
  }

  /** Checks that `value` is an array. `what` is its name in the error. */
  array(what: string, value: unknown): readonly unknown[] {
    if (!Array.isArray(value)) {
      this.refuse(`${what} is ${show(value)}, not an array`);
    }
    return value;
  }

  /** Checks that `value` is a string. */
  string(what: string, value: unknown): string {
    if (typeof value !== "string") {
      this.refuse(`${what} is ${show(value)}, not a string`);
    }
    return value;
  }

  /** Checks that `value` is a string without lone surrogates, which have no canonical form. */
  text(what: string, value: unknown): string {
    const text = this.string(what, value);
    if (!text.isWellFormed()) {
      this.refuse(`${what} is ${show(text)}, which has a lone surrogate`);
    }
    return text;
  }

  /** Checks that `value` is a boolean. */
  boolean(what: string, value: unknown): boolean {
    if (typeof value !== "boolean") {
      this.refuse(`${what} is ${show(value)}, not true or false`);
    }
    return value;
  }

  /** Checks that `value` is an integer from `min` to `max`. */
  integer(what: string, value: unknown, min: number, max: number): number {
    if (
      typeof value !== "number" || !Number.isInteger(value) || value < min ||
      value > max
    ) {
      this.refuse(
        `${what} is ${show(value)}, not an integer from ${min} to ${max}`,
      );
    }
    return value;
  }

  /** Checks that `value` is one of `names`. */
  oneOf<T extends string>(
    what: string,
    value: unknown,
    names: readonly T[],
  ): T {
    const name = names.find((name) => name === value);
    if (name === undefined) {
      this.refuse(`${what} is ${show(value)}, not one of ${names.join(", ")}`);
    }
    return name;
  }
}

/** Whether `value` has properties to look at. */
export function hasProperties(
  value: unknown,
): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

/** The longest excerpt of a value in an error, in characters. */
const EXCERPT = 60;

/** Returns a short, printable text for any value. The value may come from a peer that is not trusted. */
export function show(value: unknown): string {
  if (typeof value === "string") {
    return value.length > EXCERPT
      ? `${
        JSON.stringify(value.slice(0, EXCERPT))
      }… (${value.length} characters)`
      : JSON.stringify(value);
  }
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === "function") return "a function";
  if (typeof value === "object" && value !== null) return "an object";
  const text = String(value);
  return text.length > EXCERPT ? `${text.slice(0, EXCERPT)}…` : text;
}

/** Returns a name in quotes, short and printable. The name may come from a peer that is not trusted. */
export function quote(name: string): string {
  const text = JSON.stringify(name.slice(0, EXCERPT)).slice(1, -1);
  return name.length > EXCERPT ? `'${text}…'` : `'${text}'`;
}

/** Returns a number of things in words: `1 byte`, `2 bytes`. */
export function amount(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? "" : "s"}`;
}
