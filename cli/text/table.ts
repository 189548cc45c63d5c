/**
 * Tables that fit the width of a terminal.
 *
 * @module
 */

import { escapeControls } from "../../proto/escape.ts";
import { type Style, styled } from "./style.ts";
import { truncate, widthOf, wrap } from "./text_width.ts";

/** One column. */
export interface Column {
  /** The heading. */
  readonly title: string;
  /** `left` by default; `right` for numbers, which are never cut. */
  readonly align?: "left" | "right";
  /** Columns with the lowest importance are cut first and left out first; among equals the rightmost. 1 by default. */
  readonly importance?: number;
  /** The least width to which the column is cut, in cells; by default the width of its title. */
  readonly least?: number;
}

/** The text in one cell of the table. Control characters are escaped when it is shown. */
export interface Cell {
  readonly text: string;
  readonly style?: Style;
}

/** One row. */
export interface Row {
  /** One cell for each column. */
  readonly cells: readonly (string | Cell)[];
  /** A text that is shown below the row. */
  readonly note?: string;
}

/** The space for a table. */
export interface TableSpace {
  /** The width in cells; Infinity if nothing is cut. */
  readonly columns: number;
  /** Whether styles are shown. */
  readonly colour: boolean;
}

const GAP = "  ";
const NOTE_INDENT = "  ";
/** The least width of a note, however narrow the terminal. */
const LEAST_NOTE = 16;

/**
 * Returns the lines of a table, the heading first.
 *
 * ```ts
 * import { tableLines } from "./table.ts";
 *
 * tableLines([{ title: "NAME" }, { title: "PID", align: "right" }], [
 *   { cells: ["camera", "42"] },
 * ], { columns: 80, colour: false });
 * // ["NAME    PID", "camera   42"]
 * ```
 */
export function tableLines(
  columns: readonly Column[],
  rows: readonly Row[],
  space: TableSpace,
): string[] {
  const heading: Row = {
    cells: columns.map(({ title }) => ({ text: title, style: "title" })),
  };
  const shown = [heading, ...rows].map((row) => ({
    cells: row.cells.map(shownCell),
    note: row.note === undefined ? "" : escapeControls(row.note),
  }));
  const natural = columns.map((_, at) =>
    Math.max(...shown.map(({ cells }) => widthOf(cells[at]?.text ?? "")))
  );
  const fitted = fit(columns, natural, space.columns);
  return shown.flatMap(({ cells, note }) => [
    line(cells, fitted, space.colour),
    ...(note === "" ? [] : noteLines(note, space)),
  ]);
}

function shownCell(cell: string | Cell): Cell {
  return typeof cell === "string"
    ? { text: escapeControls(cell) }
    : { ...cell, text: escapeControls(cell.text) };
}

function line(
  cells: readonly Cell[],
  fitted: readonly FittedColumn[],
  colour: boolean,
): string {
  return fitted.map(({ at, align, width }) => {
    const { text = "", style } = cells[at] ?? {};
    const cut = truncate(text, width);
    const blanks = " ".repeat(width - widthOf(cut));
    const shown = styled(cut, style, colour);
    return align === "right" ? blanks + shown : shown + blanks;
  }).join(GAP).trimEnd();
}

function noteLines(note: string, { columns, colour }: TableSpace): string[] {
  return wrap(note, Math.max(LEAST_NOTE, columns - NOTE_INDENT.length))
    .map((words) => NOTE_INDENT + styled(words, "quiet", colour));
}

/** A column that is shown, and its width. */
interface FittedColumn {
  readonly at: number;
  readonly align: Column["align"];
  readonly least: number;
  width: number;
}

/** Fits the columns into the width: the least important are cut first; if that is not enough, they are left out. */
function fit(
  columns: readonly Column[],
  natural: readonly number[],
  room: number,
): FittedColumn[] {
  const all = columns.map(({ title, align, least }, at): FittedColumn => {
    const width = natural[at]!;
    // A number that is cut looks like another number.
    const kept = align === "right" ? width : least ?? widthOf(title);
    return { at, align, width, least: Math.min(width, kept) };
  });
  const importance = ({ at }: FittedColumn): number =>
    columns[at]!.importance ?? 1;
  const order = all.toSorted((a, b) =>
    importance(a) - importance(b) || b.at - a.at
  );
  const shown = new Set(all);
  const over = (cells: "width" | "least"): number =>
    [...shown].reduce((sum, column) => sum + column[cells] + GAP.length, 0) -
    GAP.length - room;
  for (const column of order) {
    if (shown.size > 1 && over("least") > 0) shown.delete(column);
  }
  for (const column of order) {
    if (!shown.has(column)) continue;
    const spare = column.width - column.least;
    column.width -= Math.max(0, Math.min(spare, over("width")));
  }
  for (const last of shown) last.width = Math.min(last.width, room);
  return [...shown];
}
