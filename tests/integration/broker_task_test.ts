import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { ConnectionInfo } from "../../proto/broker_gen.ts";
import { CollectedText, killTree, run, statusOf } from "../helpers/child.ts";
import { acquireFrame, launchFixture } from "../helpers/hosts.ts";
import { isolatedHome } from "../helpers/home.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { soon, until } from "../helpers/soon.ts";

const NEEDS = { run: true, read: true, write: true, env: true } as const;
const SERVING = { ...NEEDS, service: true } as const;
const ROOT = new URL("../../", import.meta.url);

/** The line that `deno task broker --json` prints when it is ready. */
interface Ready {
  grpc: string;
  xpc_service: string;
  pid: number;
  version: string;
}

interface RunningBroker extends AsyncDisposable {
  readonly ready: Ready;
  kill(signal: Deno.Signal): void;
  readonly status: Promise<Deno.CommandStatus>;
}

/** The commit that `deno task build`, on which the broker's task depends, has written. */
async function commitOfBuild(): Promise<string> {
  const file = new URL("c/out/build_stamp.json", ROOT);
  const { gitCommit } = JSON.parse(await Deno.readTextFile(file));
  return gitCommit ?? "unknown";
}

permittedTest(
  "the commit of a checkout is read without a permission; without a build it is unknown",
  NEEDS,
  async () => {
    const root = await Deno.makeTempDir();
    try {
      await Deno.mkdir(`${root}/broker`);
      await Deno.mkdir(`${root}/c/out`, { recursive: true });
      await Deno.copyFile(
        new URL("broker/build_stamp.ts", ROOT),
        `${root}/broker/build_stamp.ts`,
      );
      const module = `${root}/show.ts`;
      await Deno.writeTextFile(
        module,
        'import { BUILD } from "./broker/build_stamp.ts";\n' +
          'console.log(BUILD.gitCommit ?? "unknown");\n',
      );
      const shown = async (): Promise<string> => {
        const { code, stdout, stderr } = await run(Deno.execPath(), {
          args: ["run", "--no-prompt", "--no-config", module],
        });
        assertEquals(code, 0, stderr);
        return stdout.trim();
      };
      assertEquals(await shown(), "unknown");
      await Deno.writeTextFile(
        `${root}/c/out/build_stamp.json`,
        '{"gitCommit":"abc"}',
      );
      assertEquals(await shown(), "abc");
    } finally {
      await Deno.remove(root, { recursive: true });
    }
  },
);

function brokerCommand(args: string[]): { args: string[]; cwd: URL } {
  return { args: ["task", "--quiet", "broker", ...args], cwd: ROOT };
}

async function readyOf(child: Deno.ChildProcess): Promise<Ready> {
  const [stdout, stderr] = [
    new CollectedText(child.stdout),
    new CollectedText(child.stderr),
  ];
  const isLine = (text: string): boolean => text.includes("\n");
  try {
    const came = await stdout.until("the broker's line", isLine);
    assert(came, `the broker ended: ${stdout.text} ${stderr.text}`);
    return JSON.parse(stdout.text);
  } catch (error) {
    await killTree(child.pid);
    throw error;
  }
}

async function startBroker(...args: string[]): Promise<RunningBroker> {
  const child = new Deno.Command(Deno.execPath(), {
    ...brokerCommand(["--json", ...args]),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const ready = await readyOf(child);
  const kill = (signal: Deno.Signal): void => {
    try {
      Deno.kill(ready.pid, signal);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  };
  return {
    ready,
    kill,
    status: child.status,
    [Symbol.asyncDispose]: async () => {
      kill("SIGTERM");
      await statusOf(child, "the broker's end");
    },
  };
}

async function refused(
  ...args: string[]
): Promise<[code: number, stderr: string]> {
  const { code, stderr } = await run(Deno.execPath(), brokerCommand(args));
  return [code, stderr];
}

permittedTest(
  "deno task broker --json says where it is, and serves gRPC and XPC there",
  SERVING,
  async () => {
    using home = isolatedHome();
    {
      await using broker = await startBroker();
      assertEquals(Object.keys(broker.ready).sort(), [
        "grpc",
        "pid",
        "version",
        "xpc_service",
      ]);
      assertEquals(
        broker.ready.grpc,
        `unix:${home.runDirectory}/${broker.ready.xpc_service}.grpc`,
      );
      const modes = [...Deno.readDirSync(home.runDirectory)].map(({ name }) => {
        const { mode } = Deno.lstatSync(`${home.runDirectory}/${name}`);
        return `${name}: ${(mode! & 0o077).toString(8)}`;
      });
      assert(modes.length >= 2);
      for (const mode of modes) assert(mode.endsWith(": 0"), mode);
      assertEquals(Deno.statSync(home.runDirectory).mode! & 0o777, 0o700);
      const { PatientClient } = await import("../helpers/patient_client.ts");
      using client = new PatientClient(broker.ready.grpc);
      const version = await client.call("GetVersion", {});
      assertEquals(version.git_commit, await commitOfBuild());
      assertEquals(version.version, broker.ready.version);
      assertEquals(version.protocol_version, 1);
      assertEquals((await client.call("GetHealth", {})).healthy, true);
    }
    // It ended in order, and left no socket.
    assertEquals(
      [...Deno.readDirSync(home.runDirectory)].map((e) => e.name).filter((n) =>
        !n.endsWith(".lock")
      ),
      [],
    );
  },
);

permittedTest(
  "a host started by hand uses that broker; killed while frames flow, they go on flowing",
  SERVING,
  async () => {
    using _ = isolatedHome();
    await using broker = await startBroker();
    await using host = launchFixture("invert.ts");
    await soon(host.ready, "ready");
    assertEquals(host.broker, {
      service: broker.ready.xpc_service,
      embedded: false,
    });
    const results = host.output.video[Symbol.asyncIterator]();
    const exchange = async (number: number): Promise<void> => {
      await soon(host.input.video.ready, "a place for a frame");
      using frame = acquireFrame(host, number);
      host.input.video.send(frame);
      const { value } = await soon(results.next(), `frame ${number}`);
      using out = value!;
      assertEquals(out.frame_number, BigInt(number));
    };
    for (let number = 0; number < 20; number++) await exchange(number);
    broker.kill("SIGKILL");
    await soon(broker.status, "the broker's death");
    for (let number = 20; number < 60; number++) await exchange(number);
    assertEquals(host.stats.dropped, 0);
  },
);

permittedTest(
  "gRPC sees a connection that XPC made: ready, and closed afterwards",
  SERVING,
  async () => {
    using _ = isolatedHome();
    await using broker = await startBroker();
    const { PatientClient } = await import("../helpers/patient_client.ts");
    using client = new PatientClient(broker.ready.grpc);
    await using host = launchFixture("invert.ts");
    await soon(host.ready, "ready");
    // The sides report to the broker, and nothing waits for these reports.
    const listed = async (state: string): Promise<ConnectionInfo> => {
      let found: readonly ConnectionInfo[] = [];
      await until(`one connection that is ${state}`, async () => {
        found = (await client.call("ListConnections", {})).connections;
        return found.at(0)?.derived_state === state;
      }, () => JSON.stringify(found));
      assertEquals(found.map((c) => c.connection_id), [host.connectionId]);
      return found[0]!;
    };
    await listed("ready");
    await soon(host.close(), "the host's end");
    const { failure_reason } = await listed("closed");
    assertStringIncludes(failure_reason, "closed: ");
  },
);

permittedTest(
  "a second broker on the same name is refused, with the name and exit code 1",
  SERVING,
  async () => {
    using _ = isolatedHome();
    await using broker = await startBroker();
    const [code, stderr] = await refused();
    assertEquals(code, 1);
    assertStringIncludes(stderr, broker.ready.xpc_service);
    assertStringIncludes(stderr, "already serves");
  },
);

permittedTest(
  "a broker that was killed leaves nothing in the way of the next",
  SERVING,
  async () => {
    using _ = isolatedHome();
    await using first = await startBroker();
    first.kill("SIGKILL");
    await soon(first.status, "its death");
    await using second = await startBroker();
    assertEquals(second.ready.xpc_service, first.ready.xpc_service);
  },
);

permittedTest(
  "wrong arguments are refused with exit code 2 and what to do",
  SERVING,
  async () => {
    using home = isolatedHome();
    const cases: [string[], string][] = [
      [["--sevice", "x"], "unknown argument"],
      [["--log-level", "loud"], "--log-level is one of"],
      [["--service", "a b"], "service name"],
      [["--listen", "http://127.0.0.1:50051"], "http://"],
      [["--listen", `unix:${home.path}/${"x".repeat(120)}`], "103"],
    ];
    for (const [args, words] of cases) {
      const [code, stderr] = await refused(...args);
      assertEquals([args, code], [args, 2]);
      assertStringIncludes(stderr, words);
    }
  },
);

permittedTest(
  "a home whose path is too long for a socket gets a hashed name or a clear error",
  NEEDS,
  async () => {
    using home = isolatedHome();
    const long = `${home.path}/${"d".repeat(60)}`;
    Deno.env.set("STREAMLIB_HOME", long);
    const [code, stderr] = await refused("--service", "x".repeat(100));
    if (code === 0) throw new Error("it ran");
    assertStringIncludes(stderr, "103");
  },
);
