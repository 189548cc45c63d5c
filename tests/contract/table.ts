/** `docs/conformance.md`: the suite's cases, and what became of them on each system. */

import type { Case, Outcome } from "./suite.ts";

/** What a case's cell says, by the case's name. */
export type Column = ReadonlyMap<string, string>;

/** What has been run here, as a column. */
export function columnOf(outcomes: readonly Outcome[]): Column {
  return new Map(
    outcomes.map(({ case: name, result, detail }) => [
      name,
      result === "failed" || result === "skipped"
        ? `${result}: ${detail.split("\n")[0]}`
        : result,
    ]),
  );
}

/** The column of the other system, out of the document as it is: it cannot be run here. */
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

The suite in \`tests/contract/\` is one C program over \`<xpc/xpc.h>\` alone. Each
case exercises one documented sentence; over our libxpc on Linux and over
Apple's on macOS it is the same source. \`deno task test:contract\` compiles and
runs it, looks up every quotation in Apple's header, and fails when this
document, written by it with \`--write\`, is out of date.

- **passed** means that it was run there.
- **compiled** means just that: compiled and linked for arm64 and x86_64 against
  Apple's link stub, and never run.
- **differs** means that Linux does not do what the sentence says; the list
  below says how. Such a case must fail on Linux in order to be called so,
  unless nothing of it can be run.
- A sentence of _our header_ is one that Apple's headers leave open. That macOS
  behaves so is what the suite is to find out there.

After each case every connection must have been finalized, and on Linux our
libxpc's counters must say that no object is left. The suite runs under
AddressSanitizer, UndefinedBehaviorSanitizer and, on Linux, LeakSanitizer, and
once more under ThreadSanitizer. Other processes take part as named services that launchd starts, and starts
again; on Linux \`tests/contract/launcher.c\` does what launchd does.
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
