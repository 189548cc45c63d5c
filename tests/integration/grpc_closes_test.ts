import { assertEquals, assertStringIncludes } from "@std/assert";
import { hasPipeFault } from "../../broker/grpc/pipe_guard.ts";
import { cc, whenChanged } from "../../tools/c/compile.ts";
import { STRICT } from "../../tools/c/sources.ts";
import { runToEnd } from "../../tools/programs.ts";
import { GRPC_NEEDS, PrivateDirectory } from "../helpers/grpc_fixture.ts";
import { GrpcProcess } from "../helpers/grpc_process.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { PATIENCE_MS } from "../helpers/soon.ts";

const SOURCE = "c/tests/failed_closes.c";

/** Compiles what counts the closes that fail, if its source has changed. */
async function compileCounter(): Promise<string> {
  const flags = [...STRICT, "-D_GNU_SOURCE", "-shared", "-fPIC"];
  return await whenChanged(
    "failed_closes.so",
    [SOURCE],
    flags,
    (output) => cc([...flags, SOURCE, "-o", output]),
  );
}

/** What three connections to a broker report at the end of their process. */
async function connections(kind: "client" | "net"): Promise<string> {
  using directory = new PrivateDirectory();
  const path = `${directory.path}/run/s`;
  await using _broker = await GrpcProcess.start(path);
  const program = new URL("../fixtures/grpc_calls.ts", import.meta.url);
  const { code, stderr } = await runToEnd(Deno.execPath(), {
    args: ["run", "-q", "-A", program.pathname, kind, path],
    cwd: new URL("../../", import.meta.url),
    env: { LD_PRELOAD: await compileCounter() },
    limitMs: PATIENCE_MS,
  });
  assertEquals(code, 0, stderr);
  assertStringIncludes(stderr, "failed closes:");
  return stderr.trim();
}

const OPTIONS = {
  ...GRPC_NEEDS,
  run: true,
  linux: "LD_PRELOAD",
} as const;

permittedTest(
  "a client of gRPC closes no descriptor that it does not own",
  OPTIONS,
  async () => {
    assertEquals(await connections("client"), "failed closes: 0");
  },
);

permittedTest(
  "Deno closes the socket of node:net twice in the versions that are guarded",
  OPTIONS,
  async () => {
    const times = hasPipeFault(Deno.version.deno) ? 3 : 0;
    assertEquals(await connections("net"), `failed closes: ${times}`);
  },
);
