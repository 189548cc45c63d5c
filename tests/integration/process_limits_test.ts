import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { BrokerLink } from "../../ffi/broker_link.ts";
import { Listener } from "../../ffi/listener.ts";
import { Native } from "../../ffi/native.ts";
import { DataFrame, ReactiveHost } from "../../host/mod.ts";
import { BridgeError, type ErrorCode } from "../../proto/errors.ts";
import { KEY, MESSAGE_TYPE } from "../../proto/wire/keys.ts";
import { EVERY_FRAME } from "../fixtures/ports.ts";
import { foreground, namesIn } from "../helpers/broker_forms.ts";
import { BrokerProcess } from "../helpers/broker_process.ts";
import { run } from "../helpers/child.ts";
import { PrivateDirectory } from "../helpers/grpc_fixture.ts";
import { isolatedHome } from "../helpers/home.ts";
import { type Needs, permittedTest } from "../helpers/permitted.ts";
import { soon, until } from "../helpers/soon.ts";

/** A limit of the process gives an error, never a signal. */

const NEEDS = {
  run: true,
  read: true,
  write: true,
  env: true,
  service: true,
  linux: "setrlimit by its Linux numbers",
} as const;

const RIGHT: [way: string, says: RegExp][] = [
  ["log", /^\["b\.log","b\.log\.1"\]$/],
  [
    "shim",
    /^"this process may write no file of 65537 bytes: its limit is 65536 bytes \(RLIMIT_FSIZE\); raise it with `ulimit -f`"$/,
  ],
  ["snapshot", /^"Cannot write the snapshot .*File too large/],
  [
    "surface",
    /^"Cannot make a surface of 256 x 257: this process may write no larger file: its limit is 65536 bytes \(RLIMIT_FSIZE\); raise it with `ulimit -f`"$/,
  ],
];

for (const [way, says] of RIGHT) {
  permittedTest(
    `past the limit of file sizes there is an error, not a signal: ${way}`,
    NEEDS,
    async () => {
      using directory = new PrivateDirectory();
      const { code, stdout, stderr } = await run(Deno.execPath(), {
        args: [
          "run",
          "--quiet",
          "--allow-all",
          "--no-check",
          "--no-code-cache", // it would be a file past the limit, of Deno's own
          new URL("../fixtures/file_limit.ts", import.meta.url).href,
          way,
          directory.path,
        ],
      });
      assertEquals(code, 0, stderr);
      assertMatch(stdout, says);
    },
  );
}

/** The numbers of limits. */
const RLIMIT = { fileSize: 1, descriptors: 7, addresses: 9 } as const;

/** Sets a limit of another process. */
function setLimit(pid: number, resource: number, value: number): void {
  const libc = Deno.dlopen("libc.so.6", {
    prlimit: {
      parameters: ["i32", "i32", "buffer", "pointer"],
      result: "i32",
    },
  });
  const limits = new BigUint64Array([BigInt(value), BigInt(value)]);
  const { prlimit } = libc.symbols;
  const result = prlimit(
    pid,
    resource,
    new Uint8Array(limits.buffer),
    null,
  );
  libc.close();
  assertEquals(result, 0);
}

permittedTest(
  "a broker that may write no larger file goes on, and rotates its log",
  NEEDS,
  async () => {
    using directory = new PrivateDirectory();
    const home = directory.path;
    const { service, logFile, logDirectory } = namesIn(home);
    const form = await foreground(home);
    Deno.env.set("STREAMLIB_HOME", home);
    await using broker = await BrokerProcess.start({
      ...form,
      argv: [
        Deno.execPath(),
        "run",
        "--quiet",
        "--allow-all",
        "--no-code-cache",
        form.module,
        "--service",
        service,
        "--log-file",
        logFile,
      ],
    });
    const { size } = Deno.statSync(logFile);
    setLimit(broker.pid, RLIMIT.fileSize, size + 1000);
    using native = Native.open();
    using link = new BrokerLink(native, service);
    for (let i = 0; i < 20; i++) {
      const made = await link.call("AllocateConnection", {
        runtime_id: "r",
        processor_id: "p",
        want_tokens: true,
      });
      assertEquals(made.error, "");
    }
    const { code } = await broker.end();
    assertEquals(code, 0);
    const files = [...Deno.readDirSync(logDirectory)].map(({ name }) => name);
    assert(files.length > 1, `${files}`);
  },
);

// ---- a process that lacks something says so of itself, and blames nobody else ----

const PORTS = { video: EVERY_FRAME, data: DataFrame };
type Host = ReactiveHost<typeof PORTS, typeof PORTS>;

/** A host of a client that sends its frames back, and has loaded everything; what the client writes. */
async function launchEcho(): Promise<{ host: Host; written(): string }> {
  let written = "";
  const host = ReactiveHost.launch({
    module: new URL("../fixtures/echo_when_loaded.ts", import.meta.url),
    inputs: PORTS,
    outputs: PORTS,
    output: (chunk) => written += new TextDecoder().decode(chunk),
  });
  await soon(host.ready, "ready");
  sendData(host, 1);
  using _ = await soon(host.output.data.next(), "the first frame");
  return { host, written: () => written };
}

function sendPicture({ input }: Host, width: number, height: number): void {
  using frame = input.video.acquire({
    pixel_buffer: { width, height, pixel_format: "rgba8" },
    pixel_format: "rgba8",
    width,
    height,
    timestamp_ns: 0n,
    frame_number: 0n,
  });
  assert(input.video.send(frame));
}

/** More than a packet holds. */
const LONG_BYTES = 200_000;

function sendData({ input }: Host, bytes = LONG_BYTES): void {
  using frame = input.data.acquire({
    data: new Uint8Array(bytes),
    schema_name: "limits",
    timestamp_ns: 0n,
  });
  assert(input.data.send(frame));
}

/** A client that lacks something. */
interface Lack {
  readonly what: string;
  readonly limit: number;
  readonly value: number;
  /** Makes the client need it. */
  need(host: Host): void;
  /** The host's code. */
  readonly code: ErrorCode;
  /** What the client says: its host's owner gets it, and the client's stderr has it. */
  readonly says: string;
  readonly needs?: Needs;
}

const LACKS: readonly Lack[] = [
  {
    what: "a descriptor to receive a surface",
    limit: RLIMIT.descriptors,
    value: 3,
    need: (host) => sendPicture(host, 64, 64),
    code: "channel_lost",
    says: "cannot receive: this process has no free descriptor: its limit is 3",
  },
  {
    what: "a descriptor to receive a long message",
    limit: RLIMIT.descriptors,
    value: 3,
    need: (host) => sendData(host),
    code: "channel_lost",
    says: "cannot receive: this process has no free descriptor: its limit is 3",
    needs: { exhaustive: true },
  },
  {
    what: "a file large enough for a surface",
    limit: RLIMIT.fileSize,
    value: 65_536,
    need: (host) => sendPicture(host, 256, 257),
    code: "client_failed",
    says:
      "Cannot make a surface of 256 x 257: this process may write no larger file",
    needs: { exhaustive: true },
  },
  {
    what: "a file large enough for a long message",
    limit: RLIMIT.fileSize,
    value: 65_536,
    need: (host) => sendData(host),
    code: "channel_lost",
    says:
      "cannot send: this process may write no larger file: its limit is 65536",
  },
];

for (const { what, limit, value, need, code, says, needs } of LACKS) {
  permittedTest(
    `a client that has not ${what} says so itself, and to its host's owner`,
    { ...NEEDS, ...needs },
    async () => {
      using _ = isolatedHome();
      const { host, written } = await launchEcho();
      await using _host = host;
      setLimit(host.clientPid, limit, value);
      need(host);
      const failure = (await soon(host.ended, "the host's end"))!;
      assertEquals(failure.code, code, failure.message);
      assertStringIncludes(failure.message, `the client`);
      assertStringIncludes(failure.message, says);
      assertMatch(
        written(),
        /^streamlib client: echo_when_loaded\.ts: native_failure: /m,
      );
      assertStringIncludes(written(), says);
    },
  );
}

permittedTest(
  "a client that has no addresses for a surface says so, drops the frame and goes on",
  { ...NEEDS, exhaustive: true },
  async () => {
    using _ = isolatedHome();
    const { host, written } = await launchEcho();
    await using _host = host;
    const [pages] = Deno.readTextFileSync(`/proc/${host.clientPid}/statm`)
      .split(" ");
    const room = 64 * 1024 * 1024;
    setLimit(host.clientPid, RLIMIT.addresses, Number(pages) * 4096 + room);
    sendPicture(host, 8192, 4096); // 128 MiB
    await until(
      "the client's words",
      () => written().includes("its address space is limited to"),
    );
    assertStringIncludes(written(), "a frame on port 'video' does not fit");
    sendPicture(host, 8, 8);
    using back = await soon(host.output.video.next(), "a frame");
    assertEquals(back?.width, 8);
  },
);

permittedTest(
  "a broker that lacks a descriptor for a host's endpoint says so of itself, to the host and in its record",
  NEEDS,
  async () => {
    using home = isolatedHome();
    const { service } = namesIn(home.path);
    const form = await foreground(home.path);
    await using broker = await BrokerProcess.start({
      ...form,
      argv: [
        ...[Deno.execPath(), "run", "--quiet", "--allow-all", "--no-check"],
        ...[form.module, "--service", service],
      ],
    });
    using native = Native.open();
    using link = new BrokerLink(native, service);
    const made = await link.call("AllocateConnection", {
      runtime_id: "r",
      processor_id: "p",
      want_tokens: true,
    });
    using listener = Listener.anonymous(native);
    listener.activate({ peer: () => {}, ended: () => {} });
    using endpoint = listener.endpoint();
    setLimit(broker.pid, RLIMIT.descriptors, 3);
    const lacks = "cannot receive: this process has no free descriptor";
    const error = await assertRejects(
      () =>
        link.relay(MESSAGE_TYPE.storeEndpoint, {
          [KEY.connectionId]: made.connection_id,
          [KEY.endpoint]: endpoint.borrow(),
        }, { token: made.host_token }),
      BridgeError,
      `the other side has ended the connection, and says: ${lacks}`,
    );
    assertEquals(error.code, "broker_unreachable", error.message);
    const { stderr } = await broker.end();
    assertStringIncludes(
      stderr,
      `"reason":"host lost: the broker (process ${broker.pid}) ended its connection: ${lacks}`,
    );
  },
);
