import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { readArguments } from "../../../cli/arguments.ts";
import { COMMANDS } from "../../../cli/commands.ts";
import { lineOf } from "../../../cli/command.ts";
import { RIGHTS } from "../../../cli/terminal/console.ts";
import { TestConsole } from "../../helpers/cli.ts";

/** Wrong command lines, each with a part of its error. None connects to a broker. */
const WRONG: readonly [line: string, what: string][] = [
  ["broker status --jsn", "there is no option '--jsn'"],
  ["broker status --json=yes", "--json takes no value"],
  ["broker status now", "'now' is one argument too many"],
  ["broker status --endpoint", "--endpoint needs a value, ADDR"],
  ["broker status --endpoint --json", "--endpoint needs a value, ADDR"],
  ["broker status --endpoint http://127.0.0.1:1", "without http://"],
  ["broker status --endpoint 10.0.0.1:50051", "127.0.0.1:PORT"],
  ["broker runtimes -x", "there is no option '-x'"],
  ["broker connections --runtime", "--runtime needs a value, ID"],
  ["broker connections --runtime --watch", "--runtime needs a value, ID"],
  ["broker processors --watch", "there is no option '--watch'"],
  ["broker logs --level loud", "--level takes one of debug, info, warn, error"],
  ["broker logs -n many", "--lines takes a whole number up to 1000000"],
  ["broker logs -n 1.5", "--lines takes a whole number"],
  ["broker logs -n -5", "Cannot run 'streamlib broker logs'"],
  ["broker logs --since yesterday", "--since takes an age such as 30s"],
  ["broker logs --since 2026-13-01T00:00:00Z", "--since takes an age"],
  ["broker top --interval 0", "--interval takes seconds from 0.1 to 3600"],
  ["broker top --interval fast", "--interval takes seconds"],
  ["broker top --follow", "there is no option '--follow'"],
  ["broker doctor --all", "there is no option '--all'"],
  ["broker doctor grpc", "'grpc' is one argument too many"],
  ["broker install now", "'now' is one argument too many"],
  ["broker install --binary here", "--binary takes the absolute path"],
  ["broker uninstall --force", "there is no option '--force'"],
  ["broker update --force", "there is no option '--force'"],
  ["broker start --binary /b", "there is no option '--binary'"],
  ["broker stop --now", "there is no option '--now'"],
  ["broker restart all", "'all' is one argument too many"],
  ["runtimes list all", "'all' is one argument too many"],
  ["runtimes prune --force", "there is no option '--force'"],
  ["logs", "RUNTIME is missing"],
  ["logs -f", "RUNTIME is missing"],
  ["logs a b", "'b' is one argument too many"],
  ["logs a --level info", "there is no option '--level'"],
  ["run", "CMD is missing"],
  ["run --verbose --", "CMD is missing"],
  ["run --shell ls", "there is no option '--shell'"],
  ["run --verbose=yes ls", "--verbose takes no value"],
  ["inspect", "MODULE is missing"],
  ["inspect a.ts b.ts", "'b.ts' is one argument too many"],
  [
    "inspect a.ts --allow all",
    "--allow takes a list of env, import, net, read, sys",
  ],
  ["completions", "SHELL is missing, one of bash, zsh, fish"],
  ["completions tcsh", "SHELL is one of bash, zsh, fish, not 'tcsh'"],
  ["help nothing", "there is no command 'nothing'"],
  ["help --json", "there is no option '--json'"],
];

Deno.test("arguments: what is wrong is said, with the help to look at and exit code 2", async () => {
  for (const [line, what] of WRONG) {
    const console = new TestConsole();
    assertEquals(await console.run(line), 2, line);
    const [error, next] = console.err.take().split("\n");
    assertStringIncludes(error!, what);
    assert(error!.startsWith("streamlib: Cannot run 'streamlib "), error);
    assert(/^Try: streamlib [a-z ]+--help$/.test(next!), next);
    assertEquals(console.out.text, "", line);
  }
});

Deno.test("arguments: every command is in the table of mistakes", () => {
  for (const { path, passesOn } of COMMANDS) {
    if (passesOn) continue; // the other program checks these arguments
    const line = path.join(" ");
    assert(WRONG.some(([wrong]) => wrong.startsWith(line)), line);
  }
});

Deno.test("arguments: a command that is none is met with the one that is near", async () => {
  const table: [line: string, next: string][] = [
    ["broker stauts", "streamlib broker status"],
    ["borker connections", "streamlib broker connections"],
    ["runtime list", "streamlib runtimes list"],
    ["log camera", "streamlib logs"],
    ["broker frobnicate", "streamlib --help"],
    ["broker \x1b[31m", "streamlib --help"],
  ];
  for (const [line, next] of table) {
    const console = new TestConsole();
    assertEquals(await console.run(line), 2, line);
    const text = console.err.take();
    assertStringIncludes(text, "there is no such command");
    assertEquals(text.split("\n")[1], `Try: ${next}`);
    assert(!text.includes("\x1b"));
  }
});

Deno.test("arguments: an operand stays text, and -- ends the options", async () => {
  const console = new TestConsole();
  console.env.set("STREAMLIB_BROKER_ENDPOINT", "unix:/there");
  const asked: string[] = [];
  console.connect = (address) => {
    asked.push(address);
    throw new Error("enough");
  };
  for (const line of ["logs 0x10", "logs -- --json", "logs a -fn 5"]) {
    await console.run(line).catch(() => {});
  }
  assertEquals(asked, ["unix:/there", "unix:/there", "unix:/there"]);
  assertEquals(console.err.text, "");
  await console.run("logs a --endpoint unix:///else").catch(() => {});
  assertEquals(asked.at(-1), "unix:/else");
});

Deno.test("help: of everything, of a group, of each command; without a broker", async () => {
  const helpOf = async (line: string, code = 0): Promise<string> => {
    const console = new TestConsole();
    assertEquals(await console.run(line), code, line);
    return console.out.text + console.err.text;
  };
  const all = await helpOf("--help");
  for (const { path, passesOn } of COMMANDS) {
    assertStringIncludes(all, `  ${path.join(" ")} `);
    if (passesOn) continue; // the other program prints its help
    const help = await helpOf(`${path.join(" ")} --help`);
    assertStringIncludes(help, `Usage: ${lineOf(path)} `);
    assertStringIncludes(help, "\nExamples:\n  streamlib ");
    assertEquals(await helpOf(`help ${path.join(" ")}`), help);
    assertEquals(await helpOf(`${path.join(" ")} -h`), help);
    for (const line of help.split("\n")) assert(line.length <= 80, line);
  }
  assertEquals(await helpOf("help"), all);
  assertEquals(await helpOf("-h"), all);
  assertEquals(await helpOf("", 2), all);
  const group = await helpOf("broker --help");
  assertEquals(await helpOf("help broker"), group);
  assertEquals(await helpOf("broker", 2), group);
  assert(group.includes("broker top") && !group.includes("runtimes list"));
});

Deno.test("help: the version, and options that stand in the wrong place", async () => {
  const console = new TestConsole();
  assertEquals(await console.run("--version"), 0);
  assert(
    /^streamlib \d+\.\d+\.\d+ \(\w+(-dirty)?\)\n$/.test(console.out.take()),
  );
  assertEquals(await console.run("-V"), 0);
  assertEquals(await console.run("--json broker status"), 2);
  assertStringIncludes(console.err.take(), "options follow the command");
  assertEquals(await console.run("broker --json"), 2);
});

Deno.test("help: every example is a command line that can be followed", async () => {
  for (const command of COMMANDS) {
    const { path, examples, needs = [] } = command;
    assert(examples.length > 0, path.join(" "));
    for (const example of examples) {
      assert(example.startsWith(path.join(" ")), example);
      const console = new TestConsole();
      const [line = ""] = example.split(" > ");
      if (needs.length > 0) { // it would change this machine
        readArguments(command, line.split(" ").slice(path.length));
        continue;
      }
      const outcome = await console.run(line).catch((error) => error.message);
      assert(outcome === 0 || outcome === "the broker was asked for", example);
    }
  }
});

Deno.test("a command has given up every right that it does not need", async () => {
  for (const command of COMMANDS) {
    const console = new TestConsole();
    const operands = (command.operands ?? [])
      .filter(({ count }) => count === undefined)
      .map(({ choices }) => choices?.[0] ?? "x");
    await console.run([...command.path, ...operands].join(" ")).catch(() => {});
    const { needs = [] } = command;
    // Later it gives up what it does not need any more.
    const early = console.givenUp.filter((right) => !needs.includes(right));
    assertEquals(
      [...early, ...needs].sort(),
      [...RIGHTS].sort(),
      command.path.join(" "),
    );
  }
});

Deno.test("arguments: what follows the program of `run` is the program's, whatever it looks like", () => {
  const run = COMMANDS.find(({ path }) => path.join(" ") === "run")!;
  const table: [args: string[], operands: string[], flags: string[]][] = [
    [["ls"], ["ls"], []],
    [["ls", "--help", "-x"], ["ls", "--help", "-x"], []],
    [["--", "ls", "--", "-l"], ["ls", "--", "-l"], []],
    [["ls", "--", "-l"], ["ls", "--", "-l"], []],
    [["--", "--verbose"], ["--verbose"], []],
    [["--verbose", "--isolated", "ls", "--no-broker"], ["ls", "--no-broker"], [
      "isolated",
      "verbose",
    ]],
    [["--no-broker", "--", "-"], ["-"], ["no-broker"]],
    [["", "a b", "7"], ["", "a b", "7"], []],
  ];
  for (const [args, operands, flags] of table) {
    const read = readArguments(run, args);
    if (read === "help") throw new Error(`${args} is taken for --help`);
    const given = run.options.filter((option) => read.get(option) === true);
    assertEquals(
      [read.operands, given.map(({ name }) => name)],
      [operands, flags],
    );
  }
  assertEquals(readArguments(run, ["--help", "ls"]), "help");
  assertEquals(readArguments(run, ["-h"]), "help");
});
