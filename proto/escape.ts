/**
 * Makes text of other processes safe for a terminal.
 *
 * @module
 */

/**
 * The characters that JSON does not escape and a terminal acts on: DEL, the C1
 * controls, line and paragraph separators, and marks of the writing direction.
 */
const TERMINAL_CONTROLS =
  /[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** Escapes, in JSON text, the characters that JSON does not escape and a terminal acts on. */
export function escapeTerminal(text: string): string {
  return text.replace(TERMINAL_CONTROLS, escaped);
}

/** Escapes all control characters, in the form of JSON. */
export function escapeControls(text: string): string {
  return escapeTerminal(
    // deno-lint-ignore no-control-regex -- they are what is looked for
    text.replace(/[\x00-\x1f]|\p{Surrogate}/gu, escaped),
  );
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
