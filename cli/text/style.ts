/**
 * The few ways in which text is set off from other text, by what it means.
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

/** What a piece of text means. */
export type Style = keyof typeof CODES;

/** `text` as a terminal shows a style; as it is where there is none, or no colour. */
export function styled(
  text: string,
  style: Style | undefined,
  colour: boolean,
): string {
  return colour && style !== undefined && text !== ""
    ? `\x1b[${CODES[style]}m${text}\x1b[0m`
    : text;
}
