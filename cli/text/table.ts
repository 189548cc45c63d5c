/**
 * Rows in columns that fit beside each other.
 *
 * @module
 */

import { escapeControls } from "../../proto/escape.ts";
import { type Style, styled } from "./style.ts";
import { truncate, widthOf, wrap } from "./text_width.ts";

/** One column. */
export interface Column {
  /** Its heading. */
  readonly title: string;
  /** Where numbers stand; `left` if not said. */
  readonly align?: "left" | "right";
  /** The columns with the least are cut and left out first, and of those the rightmost. 1 if not said. */
  readonly importance?: number;
  /** Cells that it keeps while it is shown; those of its title if not said. Numbers are never cut. */
  readonly least?: number;
}

/** What stands in one place. Characters that act on a terminal are escaped here. */
export interface Cell {
  readonly text: string;
  readonly style?: Style;
}

/** One row. */
export interface Row {
  /** One for each column. */
  readonly cells: readonly (string | Cell)[];
  /** Words below the row, where there is something to say. */
  readonly note?: string;
}

/** What a table is written to. */
export interface TableSpace {
  /** Cells beside each other; Infinity where nothing is cut. */
  readonly columns: number;
  /** Whether styles are shown. */
  readonly colour: boolean;
}

const GAP = "  ";
const NOTE_INDENT = "  ";
/** However narrow the terminal, a note has room for a word. */
const LEAST_NOTE = 16;

/**
 * The lines of a table, with a heading.
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

/** A column that is shown, and how wide. */
interface FittedColumn {
  readonly at: number;
  readonly align: Column["align"];
  readonly least: number;
  width: number;
}

/** The columns as they fit: the least important are cut first; where that is not enough, they are left out. */
function fit(
  columns: readonly Column[],
  natural: readonly number[],
  room: number,
): FittedColumn[] {
  const all = columns.map(({ title, align, least }, at): FittedColumn => {
    const width = natural[at]!;
    // Half of a number is another number.
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
