/**
 * Makes text of other processes safe for a terminal, and fit to be sent, kept and
 * printed.
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

/**
 * Sequences that a terminal acts on: colours and other styles, movements of the
 * cursor, titles, links. Each alternative ends at the next ESC at the latest, so
 * that the time grows with the length alone.
 */
const TERMINAL_SEQUENCES =
  // deno-lint-ignore no-control-regex -- they are what is looked for
  /(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)/g;

/**
 * Makes text of any length and content fit to be sent over XPC and gRPC, kept in a
 * record and printed: removes colours and other sequences for terminals, escapes
 * all control characters but line feeds and tabs, and lone surrogates, and cuts
 * it to `maxLength` characters. A text that was cut ends with "… (N characters
 * more)". A text that is fit already is returned as it is.
 *
 * ```ts
 * import { fitText } from "./escape.ts";
 *
 * console.log(fitText("\x1b[31mred\x1b[0m, then a NUL: \0", 100)); // red, then a NUL: \u0000
 * console.log(fitText("y".repeat(1000), 40)); // yyyyyyyyyyyyyyyy… (984 characters more)
 * ```
 */
export function fitText(text: string, maxLength: number): string {
  const head = text.slice(0, maxLength);
  const shown = escapeTerminal(
    head.replace(TERMINAL_SEQUENCES, "").replaceAll("\r\n", "\n")
      // deno-lint-ignore no-control-regex -- they are what is looked for
      .replace(/[\x00-\x08\x0b-\x1f]|\p{Surrogate}/gu, escaped),
  );
  if (text.length === head.length && shown.length <= maxLength) return shown;
  // A text that was cut before says how much is missing in all.
  const [cut = "", before = "0"] = ENDING.exec(text.slice(-MAX_ENDING)) ?? [];
  const unseen = text.length - head.length + shown.length - cut.length +
    Number(before);
  const kept = shown.slice(0, Math.max(0, maxLength - ending(unseen).length))
    // No half of a surrogate pair, and no half of an escape.
    .replace(/[\ud800-\udbff]$|\\u?[0-9a-f]{0,3}$/, "");
  return kept + ending(unseen - kept.length);
}

/** What a text ends with that was cut, and the most characters of it. */
const ENDING = /… \((\d{1,15}) characters more\)$/;
const MAX_ENDING = 35;

/** Like {@link fitText}, on one line: " | " stands between the lines, without their indentation. */
export function fitLine(text: string, maxLength: number): string {
  const lines = text.slice(0, maxLength).split("\n")
    .map((line) => line.trim()).filter((line) => line !== "");
  return fitText(lines.join(" | ") + text.slice(maxLength), maxLength)
    .replaceAll("\n", " | ");
}

function ending(characters: number): string {
  return `… (${characters} characters more)`;
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
