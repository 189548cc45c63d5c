/**
 * Where in a schema something is wrong, and the error that says so.
 *
 * @module
 */

import { BridgeError } from "../errors.ts";

/** A place in a schema or in its JSON form. */
export class Place {
  /** A place.
   * @param name the place in words, such as `schema 'VideoFrame', field 'width'` */
  constructor(readonly name: string) {}

  /** A place inside this one. */
  inside(name: string): Place {
    return new Place(`${this.name}, ${name}`);
  }

  /** Throws the error that says what is wrong here. */
  refuse(why: string): never {
    throw new BridgeError("schema_mismatch", `Cannot use ${this.name}: ${why}`);
  }

  /** `value` as an object with all of the `required` keys, perhaps some of the `optional`, and no other. */
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

  /** `value` as an object with all of the `required` keys, and any other. */
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

  /** `value`, called `what`, as an array. */
  array(what: string, value: unknown): readonly unknown[] {
    if (!Array.isArray(value)) {
      this.refuse(`${what} is ${show(value)}, not an array`);
    }
    return value;
  }

  /** `value`, called `what`, as text. */
  string(what: string, value: unknown): string {
    if (typeof value !== "string") {
      this.refuse(`${what} is ${show(value)}, not a string`);
    }
    return value;
  }

  /** `value`, called `what`, as text that has a canonical form. */
  text(what: string, value: unknown): string {
    const text = this.string(what, value);
    if (!text.isWellFormed()) {
      this.refuse(`${what} is ${show(text)}, which has a lone surrogate`);
    }
    return text;
  }

  /** `value`, called `what`, as true or false. */
  boolean(what: string, value: unknown): boolean {
    if (typeof value !== "boolean") {
      this.refuse(`${what} is ${show(value)}, not true or false`);
    }
    return value;
  }

  /** `value`, called `what`, as an integer from `min` to `max`. */
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

  /** `value`, called `what`, as one of some names. */
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

/** Longest excerpt of a foreign value in an error, in characters. */
const EXCERPT = 60;

/** A value of any kind as short, printable text: what came in is not trusted to be either. */
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

/** A name of unknown worth in quotes, short and printable. */
export function quote(name: string): string {
  const text = JSON.stringify(name.slice(0, EXCERPT)).slice(1, -1);
  return name.length > EXCERPT ? `'${text}…'` : `'${text}'`;
}
