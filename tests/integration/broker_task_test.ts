import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { acquireFrame, launchFixture } from "../helpers/hosts.ts";
import { isolatedHome } from "../helpers/home.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { soon } from "../helpers/soon.ts";

const NEEDS = { run: true, read: true, write: true, env: true } as const;
const SERVING = { ...NEEDS, service: true } as const;
const ROOT = new URL("../../", import.meta.url);

/** What `deno task broker --json` says when it is ready. */
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

function brokerCommand(args: string[]): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", "broker", ...args],
    cwd: ROOT,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  for await (
    const chunk of stream.pipeThrough(new TextDecoderStream())
  ) {
    text += chunk;
    if (text.includes("\n")) return text.slice(0, text.indexOf("\n"));
  }
  throw new Error(`the broker ended after saying '${text}'`);
}

async function startBroker(...args: string[]): Promise<RunningBroker> {
  const child = brokerCommand(["--json", ...args]).spawn();
  const errors = new Response(child.stderr).text();
  const line = await soon(
    firstLine(child.stdout).catch(async (error) => {
      throw new Error(`${error.message}; stderr: ${await errors}`);
    }),
    "the broker's line",
    60_000,
  );
  const ready = JSON.parse(line) as Ready;
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
      await soon(child.status, "the broker's end");
      await errors;
    },
  };
}

async function refused(
  ...args: string[]
): Promise<[code: number, stderr: string]> {
  const { code, stderr } = await soon(
    brokerCommand(args).output(),
    "the refusal",
    60_000,
  );
  return [code, new TextDecoder().decode(stderr)];
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
      const { GrpcClient } = await import("../../broker/grpc_client.ts");
      using client = new GrpcClient(broker.ready.grpc);
      const version = await client.call("GetVersion", {});
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
      await host.input.video.ready;
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
    const { GrpcClient } = await import("../../broker/grpc_client.ts");
    using client = new GrpcClient(broker.ready.grpc);
    const host = launchFixture("invert.ts");
    await soon(host.ready, "ready");
    const { connections: listed } = await client.call("ListConnections", {});
    assertEquals(
      listed.map((
        c: { connection_id: string; derived_state: string },
      ) => [c.connection_id, c.derived_state]),
      [
        [host.connectionId, "ready"],
      ],
    );
    await host.close();
    const { connections: [after] } = await client.call("ListConnections", {});
    assertEquals(after?.derived_state, "failed");
    assertStringIncludes(after?.failure_reason ?? "", "closed: ");
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
    const first = await startBroker();
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
