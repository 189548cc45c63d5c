/**
 * The doctor's report for people: a line for each link when it has been checked,
 * and at the end what to do.
 *
 * @module
 */

import { escapeControls } from "../../proto/escape.ts";
import { type Style, styled } from "../text/style.ts";
import { wrap } from "../text/text_width.ts";
import { type Finding, LINKS, type LinkState } from "./finding.ts";

/** What the report is written to. */
export interface ReportSpace {
  /** The width in cells; Infinity if lines are not wrapped. */
  readonly columns: number;
  readonly colour: boolean;
}

const STYLES: Readonly<Record<LinkState, Style>> = {
  ok: "good",
  note: "waiting",
  skipped: "quiet",
  broken: "bad",
};

const STATE_CELLS = "skipped".length + 2;
const MARGIN = STATE_CELLS + Math.max(...LINKS.map(({ length }) => length)) + 2;
/** The least width of a text, however narrow the terminal. */
const LEAST = 16;

/** The lines for one link. */
export function findingLines(
  { link, state, found }: Finding,
  { columns, colour }: ReportSpace,
): string[] {
  const head = styled(state, STYLES[state], colour) +
    " ".repeat(STATE_CELLS - state.length) + link.padEnd(MARGIN - STATE_CELLS);
  return wrapped(found, columns - MARGIN).map((line, at) =>
    (at === 0 ? head : " ".repeat(MARGIN)) + line
  );
}

/** The lines after the last link: the first broken link and how to fix it, or else the advice of all notes. */
export function closingLines(
  findings: readonly Finding[],
  space: ReportSpace,
): string[] {
  const broken = findings.filter(({ state }) => state === "broken");
  const [first, ...others] = broken;
  if (first === undefined) {
    return [
      "",
      styled("All is well.", "good", space.colour),
      ...findings.filter(({ mend, why }) => mend ?? why).flatMap((finding) =>
        adviceLines(finding, space)
      ),
    ];
  }
  return [
    "",
    styled(`Broken: ${first.link}`, "bad", space.colour),
    ...adviceLines(first, space),
    ...(others.length === 0 ? [] : [
      "",
      ...wrapped(
        `Also broken: ${
          others.map(({ link }) => link).join(", ")
        }. Fix the first, then run the doctor again.`,
        space.columns,
      ),
    ]),
  ];
}

function adviceLines(
  { link, state, found, why, mend }: Finding,
  { columns, colour }: ReportSpace,
): string[] {
  const what = state === "broken" ? found : `${link}: ${found}`;
  const words = [what, ...(why === undefined ? [] : [why])];
  return [
    ...words.flatMap((text) => wrapped(sentence(text), columns - 2))
      .map((line) => `  ${line}`),
    // A command is never wrapped, so that it can be copied.
    ...(mend === undefined ? [] : [
      `  Try: ${styled(escapeControls(mend), "title", colour)}`,
    ]),
  ];
}

/** Wraps each line of a text. Control characters are escaped: a text may come from a child process. */
function wrapped(text: string, columns: number): string[] {
  return text.split("\n").flatMap((line) =>
    wrap(escapeControls(line), Math.max(LEAST, columns))
  );
}

function sentence(text: string): string {
  const end = /[.!?:]$/.test(text) ? "" : ".";
  // Only a word gets a capital letter, not a path or a name.
  return /^[a-z]+ /.test(text)
    ? text.slice(0, 1).toUpperCase() + text.slice(1) + end
    : text + end;
}
