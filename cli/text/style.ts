/**
 * The styles of text on a terminal, named by their meaning.
 *
 * @module
 */

const CODES = {
  title: "1",
  quiet: "2",
  good: "32",
  bad: "31",
  waiting: "33",
} as const;

/** The meaning of a text, which decides its colour. */
export type Style = keyof typeof CODES;

/** `text` with the escape codes of a style; unchanged without a style or without `colour`. */
export function styled(
  text: string,
  style: Style | undefined,
  colour: boolean,
): string {
  return colour && style !== undefined && text !== ""
    ? `\x1b[${CODES[style]}m${text}\x1b[0m`
    : text;
}
