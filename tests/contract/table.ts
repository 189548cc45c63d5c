/** `docs/conformance.md`: the suite's cases, and their results on each system. */

import type { Case, Outcome } from "./suite.ts";

/** The cell of each case, by the case's name. */
export type Column = ReadonlyMap<string, string>;

/** The results of a run as a column. */
export function columnOf(outcomes: readonly Outcome[]): Column {
  return new Map(
    outcomes.map(({ case: name, result, detail }) => [
      name,
      result !== "differs" && detail !== ""
        ? `${result}: ${detail.split("\n")[0]}`
        : result,
    ]),
  );
}

/** Reads the column of the other system from the existing document, because it cannot be run here. */
export function readColumn(
  document: string,
  system: "linux" | "macos",
): Column {
  const rows = document.matchAll(
    /^\| (.*?) +\| .*? +\| (.*?) +\| (.*?) +\|$/gm,
  );
  return new Map(
    [...rows].map(([, name, linux, macos]) => [
      name!,
      system === "linux" ? linux! : macos!,
    ]),
  );
}

const INTRODUCTION = `# Conformance

The suite in \`tests/contract/\` is one C program that uses only \`<xpc/xpc.h>\`.
Each case exercises one sentence of the documentation. The source is the same
for our libxpc on Linux and for Apple's on macOS. \`deno task test:contract\`
compiles and runs it, and looks up every quotation in Apple's header. It fails
if this document is out of date; \`--write\` writes it.

- **passed**: the case was run there and passed. Where two behaviours are
  allowed, it says which it saw.
- **compiled**: the case was compiled and linked for arm64 and x86_64 against
  Apple's link stub, and never run.
- **differs**: Linux does not do what the sentence says; the list below says
  what it does. Such a case must fail on Linux, unless it cannot run there.
- A sentence of _our header_ describes behaviour that Apple's headers leave
  open. A run on macOS must show whether macOS behaves in the same way.

After each case every connection must have been finalized. On Linux, also no
object may be left, by the counters of our libxpc, and no descriptor may be open
that was not open before. The suite runs under AddressSanitizer,
UndefinedBehaviorSanitizer and, on Linux, LeakSanitizer, and once more under
ThreadSanitizer. Other processes are named services that launchd starts and
restarts; on Linux \`tests/contract/launcher.c\` does it.
`;

function counted(column: Column): string {
  const counts = new Map<string, number>();
  for (const cell of column.values()) {
    const kind = cell.replace(/:.*/, "").replace("differs", "differ");
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return [...counts].map(([kind, count]) => `${count} ${kind}`).join(", ");
}

/** The whole document, before it is formatted. */
export function renderDocument(
  cases: readonly Case[],
  linux: Column,
  macos: Column,
): string {
  const different = cases.filter(({ differs }) => differs);
  const groups = [...new Set(cases.map(({ group }) => group))];
  return [
    INTRODUCTION,
    `${cases.length} cases. Linux: ${counted(linux)}. macOS: ${
      counted(macos)
    }.`,
    "## Where Linux differs",
    different.map(({ case: name, differs }) => `- _${name}_: ${differs}.`)
      .join("\n"),
    ...groups.flatMap((group) => [
      `## ${group}`,
      renderTable(cases.filter((it) => it.group === group), linux, macos),
    ]),
  ].join("\n\n");
}

function renderTable(
  cases: readonly Case[],
  linux: Column,
  macos: Column,
): string {
  return [
    "| case | documented in | Linux | macOS |",
    "| --- | --- | --- | --- |",
    ...cases.map(({ case: name, header, symbol, sentence }) => {
      const where = header === "ours"
        ? `our header, \`${symbol}\``
        : `\`${header}\`, \`${symbol}\``;
      return `| ${name} | ${where}: “${sentence}” | ${
        linux.get(name) ?? ""
      } | ${macos.get(name) ?? ""} |`;
    }),
  ].join("\n");
}
