import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { COMMANDS } from "../../broker/cli/commands.ts";
import { cliStage, populate } from "../helpers/cli_stage.ts";
import { GRPC_NEEDS } from "../helpers/grpc_fixture.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { soon } from "../helpers/soon.ts";

const NEEDS = { ...GRPC_NEEDS, run: true } as const;
const SERVING = { ...NEEDS, service: true } as const;
const ROOT = new URL("../../", import.meta.url);
const PROGRAM = ["run", "-q", "--no-prompt", "-P=cli"];
const MAIN = "broker/cli/main.ts";

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function ended(
  command: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Ended> {
  const output = await soon(
    new Deno.Command(command, { args: [...args], cwd: ROOT, env }).output(),
    `${command} ${args.join(" ")}`,
    60_000,
  );
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  return {
    code: output.code,
    stdout: text(output.stdout),
    stderr: text(output.stderr),
  };
}

permittedTest(
  "cli: deno task streamlib has the permissions that it needs, and passes on arguments and exit code",
  SERVING,
  async () => {
    await using stage = await cliStage();
    await populate(stage);
    const run = (...args: string[]): Promise<Ended> =>
      ended(Deno.execPath(), ["task", "-q", "streamlib", ...args], {
        STREAMLIB_BROKER_ENDPOINT: stage.address,
      });
    const status = await run("broker", "status", "--json");
    assertEquals([status.code, status.stderr], [0, ""]);
    assertEquals(JSON.parse(status.stdout).runtime_count, 2);
    const nobody = await run("logs", "nobody");
    assertEquals([nobody.code, nobody.stdout], [4, ""]);
    assertStringIncludes(nobody.stderr, "\nTry: streamlib runtimes list\n");
  },
);

permittedTest(
  "cli: help loads no package of npm, a command that asks the broker does",
  NEEDS,
  async () => {
    const run = (...args: string[]): Promise<Ended> =>
      ended(Deno.execPath(), [...PROGRAM, "--no-npm", MAIN, ...args]);
    for (const args of [["--help"], ["--version"], ["completions", "bash"]]) {
      const { code, stdout, stderr } = await run(...args);
      assertEquals([code, stderr], [0, ""]);
      assert(stdout !== "");
    }
    assertEquals((await run("broker", "status", "-x")).code, 2);
    // Else this test could not fail.
    assertStringIncludes((await run("broker", "status")).stderr, "--no-npm");
  },
);

permittedTest(
  "cli: Ctrl-C ends what goes on with code 0, and a reader that has enough likewise",
  SERVING,
  async () => {
    await using stage = await cliStage();
    await populate(stage);
    const start = (...args: string[]): Deno.ChildProcess =>
      new Deno.Command(Deno.execPath(), {
        args: [...PROGRAM, MAIN, ...args, "--endpoint", stage.address],
        cwd: ROOT,
        stdout: "piped",
        stderr: "piped",
      }).spawn();
    for (
      const args of [
        ["broker", "logs", "-f"],
        ["broker", "connections", "--watch"],
        ["broker", "top", "--interval", "0.1"],
      ]
    ) {
      const child = start(...args);
      const errors = new Response(child.stderr).text();
      const reader = child.stdout.getReader();
      assert(!(await soon(reader.read(), args.join(" "), 30_000)).done);
      child.kill("SIGINT");
      assertEquals((await soon(child.status, args.join(" "))).code, 0);
      assertEquals(await errors, "");
      await reader.cancel();
    }
    const child = start("broker", "top", "--interval", "0.1");
    const errors = new Response(child.stderr).text();
    const reader = child.stdout.getReader();
    await soon(reader.read(), "a line", 30_000);
    await reader.cancel();
    assertEquals((await soon(child.status, "its end")).code, 0);
    assertEquals(await errors, "");
  },
);

permittedTest(
  "cli: bash completes commands, options and choices",
  NEEDS,
  async () => {
    const { stdout: script } = await ended(Deno.execPath(), [
      ...PROGRAM,
      MAIN,
      "completions",
      "bash",
    ]);
    const table: [typed: string[], replies: string][] = [
      [
        ["broker", ""],
        [
          ...COMMANDS.filter(({ path }) => path[0] === "broker")
            .map(({ path }) => path[1]),
          "--help",
        ].join(" "),
      ],
      [["broker", "co"], "connections"],
      [["runtimes", "p"], "prune"],
      [["broker", "logs", "--le"], "--level"],
      [["broker", "logs", "--level", ""], "debug info warn error"],
      [["broker", "logs", "--level", "w"], "warn"],
      [["broker", "status", "--endpoint", ""], ""],
      [["completions", ""], "bash zsh fish --help"],
      [["--v"], "--version"],
    ];
    for (const [typed, replies] of table) {
      const { stdout, stderr } = await ended("bash", [
        "--norc",
        "-c",
        `${script}\nCOMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); _streamlib; echo "\${COMPREPLY[*]}"`,
        "bash",
        "streamlib",
        ...typed,
      ]);
      assertEquals([stdout, stderr], [`${replies}\n`, ""], typed.join(" "));
    }
  },
);

permittedTest(
  "cli: its permission set has no ffi, and the environment by name",
  NEEDS,
  async () => {
    const child = new Deno.Command(Deno.execPath(), {
      args: [...PROGRAM, "-"],
      cwd: ROOT,
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(`
    const asked = [
      { name: "ffi" }, { name: "sys", kind: "hostname" }, { name: "import" },
      { name: "env", variable: "PATH" },
      { name: "env", variable: "STREAMLIB_CONNECTION_TOKEN" },
      { name: "env", variable: "STREAMLIB_HOME" },
    ];
    console.log(asked.map((each) => Deno.permissions.querySync(each).state).join(" "));
  `));
    await writer.close();
    const { stdout } = await soon(child.output(), "the answer", 60_000);
    assertEquals(
      new TextDecoder().decode(stdout),
      "prompt prompt prompt prompt prompt granted\n",
    );
  },
);

permittedTest(
  "cli: what gives up its rights has none of them left",
  NEEDS,
  async () => {
    const answers = `
      const { systemConsole } = await import(${
      JSON.stringify(new URL("broker/cli/system_console.ts", ROOT).href)
    });
      const rights = ["run", "sys"];
      const state = () => console.log(rights.map((name) =>
        Deno.permissions.querySync(name === "sys" ? { name, kind: "uid" } : { name }).state
      ).join(" "));
      state();
      systemConsole().giveUp(["sys"]);
      state();
      systemConsole().giveUp(["run"]);
      state();
    `;
    const child = new Deno.Command(Deno.execPath(), {
      args: [...PROGRAM, "-"],
      cwd: ROOT,
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(answers));
    await writer.close();
    const { stdout } = await soon(child.output(), "the answer", 60_000);
    assertEquals(
      new TextDecoder().decode(stdout),
      "granted granted\ngranted prompt\nprompt prompt\n",
    );
  },
);
