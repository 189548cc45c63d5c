/**
 * `deno task document:cli`: writes `docs/cli.md`, the reference of the command
 * line, from the table of commands. A test fails when the file is another.
 *
 * @module
 */

import { HELP_OPTION } from "../cli/arguments.ts";
import { type Command, lineOf, PROGRAM } from "../cli/command.ts";
import { COMMANDS } from "../cli/commands.ts";
import { EXIT, EXIT_MEANINGS } from "../cli/exit.ts";
import {
  operandMeaning,
  optionMeaning,
  optionUsage,
  usageOf,
  VERSION,
} from "../cli/text/help.ts";
import { wrap } from "../cli/text/text_width.ts";

const COLUMNS = 80;

const INTRODUCTION = [
  `\`${PROGRAM}\` shows what a broker and its runtimes are doing. In a checkout it is \`deno task ${PROGRAM}\`; elsewhere, once the package is published:`,
  `This file is written by \`deno task document:cli\` from the table of commands; \`${PROGRAM} help\` says the same.`,
];

const INSTALL = `deno install --global --name ${PROGRAM} --no-prompt \\
  --allow-net --allow-read --allow-write --allow-env --allow-run --allow-sys=uid jsr:@streamlib/bridge/cli`;

const COMMON = [
  "The broker is found at `--endpoint`, else at `STREAMLIB_BROKER_ENDPOINT`, else at the private socket of the service that `STREAMLIB_BROKER_XPC_SERVICE`, `STREAMLIB_HOME` and `XDG_RUNTIME_DIR` name: the one that `deno task broker` serves under the same environment.",
  "Tables and JSON go to stdout, words to stderr. On a terminal a table is cut to its width, the least important columns first, and where that is not enough, they are left out; in a pipe nothing is cut. Colours are for terminals alone, and not where `NO_COLOR` is set. Whatever acts on a terminal is shown as an escape such as `\\u001b`: names, reasons and log lines come from other processes.",
  "With `--json` every listing has a stable shape: fields are added at times, and never changed or removed. Commands that go on write one object a line. A span of time is written like `5s`, `2m30s`, `1h5m` or `2d3h`.",
  "Commands that go on, `--follow`, `--watch` and `broker top`, end by Ctrl-C with code 0. When the broker goes away they say so, and go on with the next one.",
];

const PERMISSIONS = [
  `The permission set \`cli\` of \`deno.json\` has no ffi. To run programs and to learn the user's number is given up before a command runs, save by those that say below what they need it for. It reads files, because runtimes log where they like; it writes and has the net, because Deno asks for both to connect to a Unix socket, at an address that is known only when the command is typed. Files are written by \`broker install\` and \`update\` alone, and removed by \`uninstall\`: the service's own. The environment it reads by name: the variables above, \`HOME\`, \`XDG_CONFIG_HOME\`, \`STREAMLIB_BROKER_PORT\`, \`STREAMLIB_DEV_MODE\`, \`STREAMLIB_LIBRARY\`, \`JSR_URL\` and \`NPM_CONFIG_REGISTRY\`, which an installed broker is told, \`GRPC_*\`, which grpc-js asks for, and those of proxies, which \`broker doctor\` tells of. \`broker doctor\` and \`demo\` start programs of this package that have ffi, in processes of their own.`,
];

/** The whole reference. */
export function document(commands: readonly Command[]): string {
  const [introduction = "", origin = ""] = INTRODUCTION;
  return [
    "# The command line",
    text(introduction),
    fenced("console", `$ ${INSTALL}`),
    text(origin),
    ...COMMON.map(text),
    table(["exit code", "meaning"], exitCodes()),
    table(
      ["option", "meaning"],
      [
        [
          `\`${optionUsage(HELP_OPTION)}\``,
          `${optionMeaning(HELP_OPTION)}; after every command`,
        ],
        [
          `\`${optionUsage(VERSION)}\``,
          `${optionMeaning(VERSION)}; after none`,
        ],
      ],
    ),
    "## Permissions",
    ...PERMISSIONS.map(text),
    "## Commands",
    ...commands.flatMap(commandSections),
  ].join("\n\n") + "\n";
}

function exitCodes(): string[][] {
  return Object.entries(EXIT).map(([name, code]) => [
    String(code),
    EXIT_MEANINGS[name as keyof typeof EXIT],
  ]);
}

function commandSections(command: Command): string[] {
  const { path, summary, details = [], operands = [], options } = command;
  const { json, examples } = command;
  const rows = [
    ...operands.map((operand) => [
      `\`${operand.label}\``,
      operandMeaning(operand),
    ]),
    ...options.map((o) => [`\`${optionUsage(o)}\``, optionMeaning(o)]),
  ];
  return [
    `### \`${lineOf(path)}\``,
    fenced("text", usageOf(command)),
    ...[summary, ...details].map(text),
    ...(rows.length === 0 ? [] : [table(["argument", "meaning"], rows)]),
    ...(json === undefined ? [] : [
      text(`With \`--json\`: ${json.form}.`),
      table(
        ["field", "meaning"],
        Object.entries(json.fields)
          .map(([name, meaning]) => [`\`${name}\``, meaning]),
      ),
    ]),
    fenced(
      "console",
      examples.map((line) => `$ ${PROGRAM} ${line}`).join("\n"),
    ),
  ];
}

function text(paragraph: string): string {
  return wrap(paragraph, COLUMNS).join("\n");
}

function fenced(language: string, lines: string): string {
  return `\`\`\`${language}\n${lines}\n\`\`\``;
}

/** A table as `deno fmt` would have it. */
function table(
  heading: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const cells = rows.map((row) => row.map((cell) => cell.replace("|", "\\|")));
  const widths = heading.map((title, at) =>
    Math.max(title.length, ...cells.map((row) => row[at]!.length))
  );
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, at) => cell.padEnd(widths[at]!)).join(" | ")} |`;
  const rule = line(widths.map((width) => "-".repeat(width)));
  return [line(heading), rule, ...cells.map(line)].join("\n");
}

if (import.meta.main) {
  const path = new URL("../docs/cli.md", import.meta.url);
  await Deno.writeTextFile(path, document(COMMANDS));
}
