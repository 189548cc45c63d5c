/**
 * `deno task document:cli`: writes `docs/cli.md`, the reference of the command
 * line, from the table of commands. A test fails if the file is not up to date.
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
  `\`${PROGRAM}\` shows the state of a broker and its runtimes, installs and controls the broker, and runs programs with a broker of their own. In a checkout, run it with \`deno task ${PROGRAM}\`. \`deno task build\` also writes \`.streamlib/bin/${PROGRAM}\` and \`.streamlib/bin/${PROGRAM}-broker\`, which run the command line and the broker of this checkout in dev mode, from any folder. Elsewhere, once the package is published, install it:`,
  `\`deno task document:cli\` generates this file from the table of commands. \`${PROGRAM} help\` shows the same.`,
];

const INSTALL = `deno install --global --name ${PROGRAM} --no-prompt \\
  --allow-net --allow-read --allow-write --allow-env --allow-run --allow-sys=uid \\
  --allow-ffi jsr:@streamlib/bridge/cli`;

const COMMON = [
  "The broker's address is the value of `--endpoint`, or else of `STREAMLIB_BROKER_ENDPOINT`. Without both it is the service's private socket, which `STREAMLIB_BROKER_XPC_SERVICE`, `STREAMLIB_HOME` and `XDG_RUNTIME_DIR` determine. `deno task broker` serves this socket in the same environment. In a bootstrap, such as below `streamlib run`, and without `--endpoint`, the commands ask the broker of the bootstrap over XPC; if it has none and is not isolated, this user's broker, as elsewhere.",
  "Tables and JSON are written to stdout, messages to stderr. On a terminal, tables are cut to its width: the least important columns are shortened first, and left out if that is not enough. In a pipe nothing is cut. Colours are used only on terminals, and not if `NO_COLOR` is set. Names, reasons and log lines come from other processes, so control characters in them are shown as escapes such as `\\u001b`.",
  "The output of `--json` has a stable form: fields may be added, but are never changed or removed. Commands that run until Ctrl-C write one object per line. Durations are written like `5s`, `2m30s`, `1h5m` or `2d3h`.",
  "Commands with `--follow` or `--watch`, and `broker top`, run until Ctrl-C and then end with code 0. If the broker goes away, they report it, and continue when a broker is back; in a bootstrap that has ended they end with code 3.",
];

const PERMISSIONS = [
  `A command gives up each permission that it does not need before it runs. The permission set \`cli\` of \`deno.json\` includes these:`,
  `ffi is for \`run\`, which serves a bootstrap and its broker in this process, and for commands that ask the broker of the bootstrap that they were started in. \`run\` gives it up when its program runs; the others give it up when they have reached their broker, and in no bootstrap before they load anything with it. Only \`run\`, \`demo\`, \`broker status\`, \`broker doctor\` and the commands that act on the service may run programs; of these, all but \`run\` and \`demo\` may read the user's id. \`broker doctor\` and \`demo\` start programs of this package that have ffi, in separate processes.`,
  `Read permission is needed because a runtime's log can be anywhere. Write and net permission are needed because Deno requires both to connect to a Unix socket, and its path is known only when the command is typed. Only \`broker install\` and \`update\` write files, and only \`uninstall\` removes files: those of the service. The environment is read by name: the variables above, \`STREAMLIB_BOOTSTRAP\`, \`HOME\` and \`XDG_CONFIG_HOME\`; \`STREAMLIB_BROKER_PORT\`, \`STREAMLIB_DEV_MODE\`, \`STREAMLIB_LIBRARY\`, \`JSR_URL\` and \`NPM_CONFIG_REGISTRY\`, which are passed to an installed broker; \`GRPC_*\`, which grpc-js reads; and the proxy variables, which \`broker doctor\` reports.`,
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
          `${optionMeaning(HELP_OPTION)}; for every command`,
        ],
        [
          `\`${optionUsage(VERSION)}\``,
          `${optionMeaning(VERSION)}; without a command`,
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

/** A paragraph in lines. A code span is not divided. */
function text(paragraph: string): string {
  const joined = paragraph.replaceAll(
    /`[^`]*`/g,
    (code) => code.replaceAll(" ", "\u00a0"),
  );
  return wrap(joined, COLUMNS).join("\n").replaceAll("\u00a0", " ");
}

function fenced(language: string, lines: string): string {
  return `\`\`\`${language}\n${lines}\n\`\`\``;
}

/** A table in the form of `deno fmt`. */
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
