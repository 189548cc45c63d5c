import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { COMMANDS } from "../../cli/commands.ts";
import {
  CollectedText,
  type Ended,
  kill,
  run,
  statusOf,
} from "../helpers/child.ts";
import { cliStage, populate } from "../helpers/cli_stage.ts";
import { GRPC_NEEDS } from "../helpers/grpc_fixture.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { soon } from "../helpers/soon.ts";

const NEEDS = { ...GRPC_NEEDS, run: true } as const;
const SERVING = { ...NEEDS, service: true } as const;
const ROOT = new URL("../../", import.meta.url);
const PROGRAM = ["run", "-q", "--no-prompt", "-P=cli"];
const MAIN = "cli/main.ts";

/** Runs the command line. */
function streamlib(args: readonly string[], input?: string): Promise<Ended> {
  return run(Deno.execPath(), {
    args: [...PROGRAM, ...args],
    cwd: ROOT,
    ...(input !== undefined && { input }),
  });
}

permittedTest(
  "cli: deno task streamlib has the permissions that it needs, and passes on arguments and exit code",
  SERVING,
  async () => {
    await using stage = await cliStage();
    await populate(stage);
    const task = (...args: string[]): Promise<Ended> =>
      run(Deno.execPath(), {
        args: ["task", "-q", "streamlib", ...args],
        cwd: ROOT,
        env: { STREAMLIB_BROKER_ENDPOINT: stage.address },
      });
    const status = await task("broker", "status", "--json");
    assertEquals([status.code, status.stderr], [0, ""]);
    assertEquals(JSON.parse(status.stdout).runtime_count, 2);
    const nobody = await task("logs", "nobody");
    assertEquals([nobody.code, nobody.stdout], [4, ""]);
    assertStringIncludes(nobody.stderr, "\nTry: streamlib runtimes list\n");
  },
);

permittedTest(
  "cli: the doctor tells of a directory at which it may not look",
  { ...NEEDS, linux: "/proc" },
  async () => {
    const { code, stdout, stderr } = await run(Deno.execPath(), {
      args: [...PROGRAM, MAIN, "broker", "doctor"],
      cwd: ROOT,
      env: { STREAMLIB_HOME: "/proc/1/none" },
    });
    assertEquals([code, stderr], [1, ""]);
    assertStringIncludes(stdout, "/proc/1/none/run cannot be looked at");
    assertStringIncludes(stdout, "Try: export STREAMLIB_HOME=");
  },
);

permittedTest(
  "cli: help loads no package of npm, a command that asks the broker does",
  NEEDS,
  async () => {
    const without = (...args: string[]): Promise<Ended> =>
      streamlib(["--no-npm", MAIN, ...args]);
    for (const args of [["--help"], ["--version"], ["completions", "bash"]]) {
      const { code, stdout, stderr } = await without(...args);
      assertEquals([code, stderr], [0, ""]);
      assert(stdout !== "");
    }
    assertEquals((await without("broker", "status", "-x")).code, 2);
    const { code, stderr } = await without("broker", "status");
    assertEquals(code, 3);
    assertStringIncludes(stderr, "--no-npm");
    assert(stderr.startsWith("streamlib: Cannot ask a broker: "), stderr);
  },
);

permittedTest(
  "cli: Ctrl-C ends what goes on with code 0, and a reader that has enough likewise",
  SERVING,
  async () => {
    await using stage = await cliStage();
    await populate(stage);
    /** Runs a command until it has written something, then ends it with `act`. */
    const ends = async (
      args: string[],
      act: (
        child: Deno.ChildProcess,
        reader: ReadableStreamDefaultReader,
      ) => Promise<void> | void,
    ): Promise<void> => {
      await using held = new AsyncDisposableStack();
      const line = args.join(" ");
      const child = held.adopt(
        new Deno.Command(Deno.execPath(), {
          args: [...PROGRAM, MAIN, ...args, "--endpoint", stage.address],
          cwd: ROOT,
          stdin: "null",
          stdout: "piped",
          stderr: "piped",
        }).spawn(),
        async (child) => void await kill(child),
      );
      const errors = new CollectedText(child.stderr);
      const reader = held.adopt(
        child.stdout.getReader(),
        (reader) => reader.cancel(),
      );
      assert(!(await soon(reader.read(), line)).done, line);
      await act(child, reader);
      assertEquals((await statusOf(child, line)).code, 0, line);
      await soon(errors.end, line);
      assertEquals(errors.text, "", line);
    };
    for (
      const args of [
        ["broker", "logs", "-f"],
        ["broker", "connections", "--watch"],
        ["broker", "top", "--interval", "0.1"],
      ]
    ) {
      await ends(args, (child) => child.kill("SIGINT"));
    }
    await ends(
      ["broker", "top", "--interval", "0.1"],
      (_, reader) => reader.cancel(),
    );
  },
);

permittedTest(
  "cli: bash completes commands, options and choices",
  NEEDS,
  async () => {
    const { stdout: script } = await streamlib([MAIN, "completions", "bash"]);
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
      const { stdout, stderr } = await run("bash", {
        args: [
          "--norc",
          "-c",
          `${script}\nCOMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); _streamlib; echo "\${COMPREPLY[*]}"`,
          "bash",
          "streamlib",
          ...typed,
        ],
      });
      assertEquals([stdout, stderr], [`${replies}\n`, ""], typed.join(" "));
    }
  },
);

permittedTest(
  "cli: its permission set has ffi, for a bootstrap, and the environment by name",
  NEEDS,
  async () => {
    const questions = `
    const asked = [
      { name: "ffi" }, { name: "sys", kind: "hostname" }, { name: "import" },
      { name: "env", variable: "PATH" },
      { name: "env", variable: "STREAMLIB_CONNECTION_TOKEN" },
      { name: "env", variable: "STREAMLIB_HOME" },
    ];
    console.log(asked.map((each) => Deno.permissions.querySync(each).state).join(" "));
  `;
    const { stdout } = await streamlib(["-"], questions);
    assertEquals(stdout, "granted prompt prompt prompt prompt granted\n");
  },
);

permittedTest(
  "cli: what gives up its rights has none of them left",
  NEEDS,
  async () => {
    const questions = `
      const { systemConsole } = await import(${
      JSON.stringify(new URL("cli/terminal/system_console.ts", ROOT).href)
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
    const { stdout } = await streamlib(["-"], questions);
    assertEquals(stdout, "granted granted\ngranted prompt\nprompt prompt\n");
  },
);
