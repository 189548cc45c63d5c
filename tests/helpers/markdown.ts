/**
 * What a page of documentation shows: files, fragments of code, commands with
 * their output, tables. Tests run and compare them, so that no page is wrong
 * for long.
 *
 * - A `ts` block that begins with `// name.ts` is that file.
 * - Any other `ts` block is a fragment. One that imports nothing is checked
 *   after the page's preamble: the code in a comment `<!-- before fragments: … -->`.
 * - In a `console` block `$ ` begins a command, its output follows. A line that
 *   ends with ` \` goes on in the next one. A command that ends with ` &` goes
 *   on until the page ends.
 * - In an output `…` stands for whatever is there, on a line of its own for any
 *   number of lines.
 */

/** A fenced block. */
export interface Block {
  /** What follows the fence, such as `ts`; empty for none. */
  readonly language: string;
  /** What is in it, with the newline of its last line. */
  readonly text: string;
}

/** A command that a page shows. */
export interface ShownCommand {
  /** As a shell takes it, without a final ` &`. */
  readonly line: string;
  /** Whether it goes on until the page ends. */
  readonly background: boolean;
  /** What the page says that it writes; empty where it shows nothing. */
  readonly output: string;
}

/** The fenced blocks of a page, in their order. */
export function blocksOf(markdown: string): Block[] {
  return [...markdown.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)]
    .map(([, language, text]) => ({ language: language!, text: text! }));
}

/** The file that a block is, if it is one. */
export function fileOf(
  { language, text }: Block,
): { readonly name: string; readonly code: string } | undefined {
  const [line, name] = /^\/\/ (\S+\.ts)\n/.exec(text) ?? [];
  return language === "ts" && line !== undefined
    ? { name: name!, code: text.slice(line.length) }
    : undefined;
}

/** The files of a page, by name; of two of one name the last. */
export function filesOf(markdown: string): Map<string, string> {
  const files = blocksOf(markdown).map(fileOf).filter((file) => file != null);
  return new Map(files.map(({ name, code }) => [name, code]));
}

/** The fragments of a page, each as a whole module. */
export function fragmentsOf(markdown: string): string[] {
  const preamble = /<!-- before fragments:\n([\s\S]*?)-->/.exec(markdown)?.[1];
  return blocksOf(markdown)
    .filter((block) => block.language === "ts" && !fileOf(block))
    .map(({ text }) =>
      /^import /m.test(text) ? text : `${preamble ?? ""}${text}`
    );
}

/** The commands of a `console` block. */
export function commandsOf({ text }: Block): ShownCommand[] {
  const joined = text.replaceAll(/ \\\n\s*/g, " ");
  return joined.split(/^\$ /m).slice(1).map((part) => {
    const end = part.indexOf("\n");
    const line = part.slice(0, end);
    return {
      line: line.replace(/ &$/, ""),
      background: line.endsWith(" &"),
      output: part.slice(end + 1),
    };
  });
}

/** Whether an output is what a page shows: `…` stands for anything. */
export function isShown(shown: string, output: string): boolean {
  const pattern = shown.trimEnd().split("\n").map((line) =>
    line.trim() === "…"
      ? "(?:.*\\n)*?"
      : `${line.trimEnd().split("…").map(RegExp.escape).join(".*")}\\s*?\\n`
  ).join("");
  return new RegExp(`^${pattern}$`).test(
    output.trimEnd().split("\n").map((line) => `${line.trimEnd()}\n`).join(""),
  );
}

/** The cells of the rows of the table whose header has the given cells; throws where there is no such table. */
export function tableOf(
  markdown: string,
  ...header: readonly string[]
): string[][] {
  const lines = markdown.split("\n");
  const at = lines.findIndex((line) =>
    line.startsWith("|") && String(cellsOf(line)) === String(header)
  );
  if (at < 0) throw new Error(`No table with the columns ${header.join(", ")}`);
  const end = lines.findIndex((line, i) => i > at && !line.startsWith("|"));
  return lines.slice(at + 2, end < 0 ? undefined : end).map(cellsOf);
}

/** A bar inside of code is written `\|`. */
function cellsOf(line: string): string[] {
  return line.split(/(?<!\\)\|/).slice(1, -1)
    .map((cell) => cell.trim().replaceAll("\\|", "|"));
}

/** What stands in backquotes. */
export function codeIn(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, code]) => code!);
}
