/** The end and the output of a broker, depending on the options of `broker/main.ts`. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import settings from "../../deno.json" with { type: "json" };
import { CollectedText, kill, sendSignal, statusOf } from "../helpers/child.ts";
import { isolatedHome } from "../helpers/home.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { lapse, soon } from "../helpers/soon.ts";

const NEEDS = { run: true, read: true, write: true, env: true } as const;
const SERVING = { ...NEEDS, service: true } as const;
const ROOT = new URL("../../", import.meta.url);

/** A broker with the permissions of the set `broker`, plus those in `also`. */
class BrokerProcess implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #stdout: CollectedText;
  readonly #stderr: CollectedText;

  constructor(args: string[], also: string[] = []) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-q",
        "--no-prompt",
        "-P=broker",
        ...also,
        "broker/main.ts",
        ...args,
      ],
      cwd: ROOT,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#stdout = new CollectedText(this.#child.stdout);
    this.#stderr = new CollectedText(this.#child.stderr);
  }

  /** Resolves when the broker has printed that it is ready. */
  async ready(): Promise<void> {
    const said = await this.#stdout.until(
      "the broker's line",
      (text) => text.includes("\n"),
    );
    assert(said, this.#stderr.text);
  }

  /** Sends it a signal, unless it has ended. */
  kill(signal: Deno.Signal): void {
    sendSignal(this.#child, signal);
  }

  /** How it ended. */
  async end(): Promise<{ code: number; stdout: string; stderr: string }> {
    const { code } = await statusOf(this.#child, "the broker's end");
    const [stdout, stderr] = [this.#stdout, this.#stderr];
    await soon(Promise.all([stdout.end, stderr.end]), "its last words");
    return { code, stdout: stdout.text, stderr: stderr.text };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await kill(this.#child);
    await this.end();
  }
}

function messages(log: string): string[] {
  return log.trim().split("\n").map((line) => JSON.parse(line).message);
}

Deno.test("a broker has ffi on the shim and variables by name, and nothing else", () => {
  const { ffi, env, ...rest } = settings.permissions.broker;
  assertEquals(ffi, ["./c/out"]);
  assert(env.length > 0 && env.every((name) => /^[A-Z_]+\*?$/.test(name)));
  // Modules may come from JSR only, not from the seven hosts that Deno allows by default.
  assertEquals(Object.keys(rest).filter((name) => name !== "import"), []);
});

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  permittedTest(
    `${signal} ends it in order, with code 0`,
    SERVING,
    async () => {
      using home = isolatedHome();
      await using broker = new BrokerProcess([]);
      await broker.ready();
      broker.kill(signal);
      const { code, stderr } = await broker.end();
      assertEquals([code, messages(stderr)], [0, ["serving"]]);
      assertEquals([...Deno.readDirSync(home.runDirectory)], []);
    },
  );
}

permittedTest(
  "idle it ends with code 0, also where nobody starts the next, and takes its sockets along",
  SERVING,
  async () => {
    using home = isolatedHome();
    await using broker = new BrokerProcess(["--idle-exit", "0.2"]);
    const { code, stderr } = await broker.end();
    assertEquals(code, 0);
    assertEquals(messages(stderr), ["serving", "ending"]);
    const [serving, ending] = stderr.split("\n");
    assertEquals(JSON.parse(ending!).reason, "idle");
    const { xpc_socket, grpc_socket } = JSON.parse(serving!);
    assertEquals([xpc_socket, grpc_socket], ["own", "own"]);
    assertEquals([...Deno.readDirSync(home.runDirectory)], []);
  },
);

permittedTest(
  "it is not recycled where nobody starts the next, and says so",
  SERVING,
  async () => {
    using _ = isolatedHome();
    await using broker = new BrokerProcess(["--recycle-after", "1"]);
    await broker.ready();
    const { PatientClient } = await import("../helpers/patient_client.ts");
    const { names } = await import("../../proto/names.ts");
    const healthy = async (): Promise<boolean> => {
      using client = new PatientClient(names(Deno.env).grpcAddress);
      return (await client.call("GetHealth", {})).healthy;
    };
    assert(await healthy());
    await lapse(1_200); // it would look once a second
    assert(await healthy());
    broker.kill("SIGTERM");
    const { code, stderr } = await broker.end();
    assertEquals([code, messages(stderr)], [0, [
      "serving",
      "--recycle-after has no effect without a service manager",
    ]]);
  },
  { sanitizeOps: false, sanitizeResources: false }, // see grpc_process_test.ts
);

permittedTest(
  "with a log file it needs that directory alone, and leaves stderr to errors",
  SERVING,
  async () => {
    using home = isolatedHome();
    const logs = `${home.path}/logs`;
    const file = `${logs}/broker.log`;
    const granted = [`--allow-read=${logs}`, `--allow-write=${logs}`];
    await using broker = new BrokerProcess(["--log-file", file], granted);
    await broker.ready();
    broker.kill("SIGTERM");
    const { code, stderr } = await broker.end();
    assertEquals([code, stderr], [0, ""]);
    assertEquals(messages(Deno.readTextFileSync(file)), ["serving"]);
    await using refused = new BrokerProcess(["--log-file", file]);
    const end = await refused.end();
    assertEquals(end.code, 1);
    assertStringIncludes(
      end.stderr,
      `--allow-read=${logs} --allow-write=${logs}`,
    );
    assertEquals(end.stdout, "");
  },
);

permittedTest(
  "what keeps it from serving goes to stderr, even with a log file",
  SERVING,
  async () => {
    using home = isolatedHome();
    await using first = new BrokerProcess([]);
    await first.ready();
    const logs = `${home.path}/logs`;
    await using second = new BrokerProcess(
      ["--log-file", `${logs}/b.log`],
      [`--allow-read=${logs}`, `--allow-write=${logs}`],
    );
    const { code, stderr } = await second.end();
    assertEquals(code, 1);
    assertStringIncludes(stderr, "already serves");
  },
);

permittedTest("a bad value is an error with code 2", NEEDS, async () => {
  using _ = isolatedHome();
  const cases = [
    ["--idle-exit", "soon"],
    ["--recycle-after", "0"],
    ["--log-file", "relative.log"],
  ];
  for (const args of cases) {
    await using broker = new BrokerProcess(args);
    const { code, stderr, stdout } = await broker.end();
    assertEquals([args, code, stdout], [args, 2, ""]);
    assertStringIncludes(stderr, args[0]!);
    assertStringIncludes(stderr, "--help");
  }
});
