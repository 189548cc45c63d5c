/**
 * Functions from generated code. The engine compiles each for the one schema that
 * it is for. One function for all schemas would look up every field by its name,
 * and takes ten times as long.
 *
 * No name of a schema becomes code: names are in it as JSON strings, and so is
 * nothing else but numbers. Functions and lists are constants of the code.
 *
 * @module
 */

/** Code that is being written, with its constants. */
export class Code {
  readonly #lines: string[] = [];
  readonly #constants = new Map<unknown, string>();

  /** Adds lines. */
  add(...lines: string[]): this {
    this.#lines.push(...lines);
    return this;
  }

  /** Returns the name of a constant in the code. */
  constant(value: unknown): string {
    const name = this.#constants.get(value) ?? `k${this.#constants.size}`;
    this.#constants.set(value, name);
    return name;
  }

  /** Makes the function whose parameters and body the lines are. */
  make(parameters: string): (...values: never[]) => unknown {
    const body = this.#lines.join("\n");
    const make = new Function(
      ...this.#constants.values(),
      `"use strict";\nreturn (${parameters}) => {\n${body}\n};`,
    );
    return make(...this.#constants.keys());
  }
}

/** Returns the code of a property of an object. */
export function property(object: string, name: string): string {
  return `${object}[${JSON.stringify(name)}]`;
}

/** Whether functions can be generated: an option of V8 forbids it. */
export function canGenerate(): boolean {
  try {
    return new Code().add("return true;").make("")() === true;
  } catch {
    return false;
  }
}

/**
 * Returns a function that makes something for each schema, or other object, once.
 * All ports of a schema then run the same code. The engine makes one function faster
 * than several that do the same.
 */
export function oncePer<K extends object, V>(make: (key: K) => V): (
  key: K,
) => V {
  const made = new WeakMap<K, { readonly value: V }>();
  return (key) => {
    const known = made.get(key);
    if (known) return known.value;
    const value = make(key);
    made.set(key, { value });
    return value;
  };
}
