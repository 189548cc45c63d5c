import { assertEquals } from "@std/assert";
import { Native } from "../../ffi/native.ts";
import { clientStarter } from "../../host/spawn/spawn.ts";
import { Supervisor } from "../../host/supervisor.ts";
import { connectionSchema } from "../../proto/schema/connection_schema.ts";
import { LAST_WORDS } from "../fixtures/leaves_at_once.ts";
import { EVERY_FRAME } from "../fixtures/ports.ts";
import { findEmbedded } from "../helpers/embedded_search.ts";
import { HOST_NEEDS, permittedTest } from "../helpers/permitted.ts";
import { PATIENCE_MS, soon } from "../helpers/soon.ts";

const schema = connectionSchema({
  inputs: { video: EVERY_FRAME },
  outputs: { video: EVERY_FRAME },
});

/** The time that the host sleeps: in it a client leaves. If it is too short, the test shows less. */
const SLEEP_MS = 200;

/** The failure of a host whose client runs the fixture. */
async function failureText(): Promise<string | undefined> {
  const host = new Supervisor(Native.open(), {
    schema,
    runtimeId: "test",
    processorId: "words",
    name: "client",
    processorType: "reactive",
    path: "lane",
    sleeps: false,
    timeoutSecs: PATIENCE_MS / 1000,
    findBroker: findEmbedded,
    spawn: clientStarter({
      module: new URL("../fixtures/invert.ts", import.meta.url),
      name: "client",
      runner: new URL("../fixtures/leaves_at_once.ts", import.meta.url),
      grpcClient: undefined,
      permissions: { env: true },
      userEnv: {},
      deno: undefined,
      config: undefined,
      output: () => {},
    }),
    warn: () => {},
    restart: "never",
    settings: {},
    restarting: () => {},
  });
  // Meanwhile the client ends: its words and its exit wait together.
  const sleep = setInterval(() => {
    if (host.bridge.phase !== "awaiting_pong") return;
    clearInterval(sleep);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, SLEEP_MS);
  }, 0);
  try {
    return (await soon(host.ended, "the host's end"))?.message;
  } finally {
    clearInterval(sleep);
    await soon(host.close(), "close");
  }
}

permittedTest(
  "a client that reports an error and ends at once is heard: its exit is judged after its last message",
  HOST_NEEDS,
  async () => {
    const texts = new Set<string | undefined>();
    for (let i = 0; i < 10; i++) texts.add(await failureText());
    assertEquals([...texts], [`the client failed: ${LAST_WORDS}`]);
  },
);
