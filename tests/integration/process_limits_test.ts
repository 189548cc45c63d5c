import { assert, assertEquals, assertMatch } from "@std/assert";
import { BrokerLink } from "../../ffi/broker_link.ts";
import { Native } from "../../ffi/native.ts";
import { foreground, namesIn } from "../helpers/broker_forms.ts";
import { BrokerProcess } from "../helpers/broker_process.ts";
import { run } from "../helpers/child.ts";
import { PrivateDirectory } from "../helpers/grpc_fixture.ts";
import { permittedTest } from "../helpers/permitted.ts";

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
  ["shim", /^"Cannot keep the shim in .*File too large.*STREAMLIB_HOME/],
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

/** Sets the limit of file sizes of another process. */
function limitFileSize(pid: number, bytes: number): void {
  const libc = Deno.dlopen("libc.so.6", {
    prlimit: {
      parameters: ["i32", "i32", "buffer", "pointer"],
      result: "i32",
    },
  });
  const limits = new BigUint64Array([BigInt(bytes), ~0n]);
  const { prlimit } = libc.symbols;
  const result = prlimit(pid, 1, new Uint8Array(limits.buffer), null);
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
    limitFileSize(broker.pid, Deno.statSync(logFile).size + 1000);
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
