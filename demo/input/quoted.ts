/**
 * Text of a file, of a program or of the command line, for a message.
 *
 * @module
 */

import { escapeControls, escapeTerminal } from "../../proto/escape.ts";

/** The most characters of a foreign text in a message. */
const MAX_QUOTED = 200;

/** Returns text in quotation marks, escaped and cut, so that it is safe to print.
 *
 * ```ts
 * import { quoted } from "./quoted.ts";
 *
 * console.assert(quoted("C\x1b[31m") === '"C\\u001b[31m"');
 * ```
 *
 * @param text any text
 * @param limit how many characters are shown */
export function quoted(text: string, limit: number = MAX_QUOTED): string {
  return escapeTerminal(JSON.stringify(cutText(text, limit)));
}

/** Returns text without quotation marks, escaped and cut, so that it is safe to print. */
export function plainText(text: string, limit: number = MAX_QUOTED): string {
  return escapeControls(cutText(text, limit));
}

function cutText(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit)}…`;
}
