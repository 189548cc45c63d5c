/**
 * Reads pages of documentation: files, fragments of code, commands with their
 * output, tables. Tests run and compare them, so that a page cannot become
 * wrong unnoticed.
 *
 * - A `ts` block that begins with `// name.ts` is that file, and so is a `python`
 *   block that begins with `# name.py`.
 * - Any other `ts` block is a fragment. If it has no import, the page's preamble
 *   is put before it: the code in a comment `<!-- before fragments: … -->`.
 * - In a `console` block `$ ` begins a command, and its output follows. A line
 *   that ends with ` \` continues in the next line. A command that ends with
 *   ` &` runs until the end of the page.
 * - In an output `…` stands for any text; on a line of its own, for any number
 *   of lines.
 */

/** A fenced block. */
interface Block {
  /** The word after the fence, such as `ts`; empty if there is none. */
  readonly language: string;
  /** The content, with the newline of its last line. */
  readonly text: string;
}

/** A command that a page shows. */
export interface ShownCommand {
  /** The command for a shell, without a final ` &`. */
  readonly line: string;
  /** Whether it runs until the end of the page. */
  readonly background: boolean;
  /** The output that the page shows; empty if it shows none. */
  readonly output: string;
}

/** Returns the fenced blocks of a page, in their order. */
export function blocksOf(markdown: string): Block[] {
  return [...markdown.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)]
    .map(([, language, text]) => ({ language: language!, text: text! }));
}

/** The first line of a block that is a file, by language. */
const FIRST_LINES: Readonly<Record<string, RegExp>> = {
  ts: /^\/\/ (\S+\.ts)\n/,
  python: /^# (\S+\.py)\n/,
};

/** Returns the file in a block; undefined if the block is not a file. */
export function fileOf(
  { language, text }: Block,
): { readonly name: string; readonly code: string } | undefined {
  const first = FIRST_LINES[language];
  const [line, name] = first?.exec(text) ?? [];
  return line !== undefined
    ? { name: name!, code: text.slice(line.length) }
    : undefined;
}

/** Returns the files of a page by name. If a name occurs twice, the last file counts. */
export function filesOf(markdown: string): Map<string, string> {
  const files = blocksOf(markdown).map(fileOf).filter((file) => file != null);
  return new Map(files.map(({ name, code }) => [name, code]));
}

/** Returns the fragments of a page, each as a complete module. */
export function fragmentsOf(markdown: string): string[] {
  const preamble = /<!-- before fragments:\n([\s\S]*?)-->/.exec(markdown)?.[1];
  return blocksOf(markdown)
    .filter((block) => block.language === "ts" && !fileOf(block))
    .map(({ text }) =>
      /^import /m.test(text) ? text : `${preamble ?? ""}${text}`
    );
}

/** Returns the commands of a `console` block. */
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

/** Whether an output matches the output that a page shows. */
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

/** Returns the cells of each row of the table with the given header. Throws if there is no such table. */
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

/** Returns the cells of a line of a table. `\|` stands for a bar in a cell. */
function cellsOf(line: string): string[] {
  return line.split(/(?<!\\)\|/).slice(1, -1)
    .map((cell) => cell.trim().replaceAll("\\|", "|"));
}

/** Returns the texts in backquotes. */
export function codeIn(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, code]) => code!);
}

/** Returns the links of a page to files and headings: no addresses of the web. */
export function linksOf(
  markdown: string,
): { readonly file: string; readonly anchor: string | undefined }[] {
  return [...markdown.matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)]
    .map(([, file, anchor]) => ({ file: file!, anchor }));
}

/** Returns the anchors of the headings of a page. */
export function anchorsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!.toLowerCase().replaceAll(/[^\w -]/g, "").replaceAll(" ", "-")
  );
}
