/**
 * How `console.log` shows an object whose content is not in its own properties.
 *
 * @module
 */

/** The name of the method that `console.log` and `Deno.inspect` call. It returns the text. */
export const CUSTOM_INSPECT: unique symbol = Symbol.for("Deno.customInspect");

/** Shows a value within the text, with the same depth and colors. */
export type Inspect = (value: unknown, options: object) => string;
