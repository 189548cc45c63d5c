/**
 * Findings as people read them: a line a link as it is looked at, and at the
 * end what is to be done.
 *
 * @module
 */

import { escapeControls } from "../../proto/escape.ts";
import { type Style, styled } from "../text/style.ts";
import { wrap } from "../text/text_width.ts";
import { type Finding, LINKS, type LinkState } from "./finding.ts";

/** What it is written to. */
export interface ReportSpace {
  /** Cells beside each other; Infinity where nothing is broken into lines. */
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
/** However narrow the terminal, there is room for a word. */
const LEAST = 16;

/** The lines of one link. */
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

/** The lines after the last link: the first that is broken, and what mends it; else what there is to know. */
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
        `Broken too: ${
          others.map(({ link }) => link).join(", ")
        }. Mend the first, then look again.`,
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
    // A command is never broken into lines: it is to be copied.
    ...(mend === undefined ? [] : [
      `  Try: ${styled(escapeControls(mend), "title", colour)}`,
    ]),
  ];
}

/** What a child wrote may have lines of its own; what acts on a terminal is escaped. */
function wrapped(text: string, columns: number): string[] {
  return text.split("\n").flatMap((line) =>
    wrap(escapeControls(line), Math.max(LEAST, columns))
  );
}

function sentence(text: string): string {
  const end = /[.!?:]$/.test(text) ? "" : ".";
  // A path or a name stays as it is.
  return /^[a-z]+ /.test(text)
    ? text.slice(0, 1).toUpperCase() + text.slice(1) + end
    : text + end;
}
