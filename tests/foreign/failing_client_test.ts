import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Native } from "../../ffi/native.ts";
import { findEmbedded, startedIn } from "../helpers/embedded_search.ts";
import type { ClientProcess } from "../../host/spawn/spawn.ts";
import { Supervisor } from "../../host/supervisor.ts";
import type { ErrorCode } from "../../proto/errors.ts";
import { connectionSchema } from "../../proto/schema/connection_schema.ts";
import { connectionSchemaToJson } from "../../proto/schema/json/connection_schema_json.ts";
import { schemaHash } from "../../proto/schema/json/schema_hash.ts";
import { EVERY_FRAME } from "../fixtures/ports.ts";
import { killTree } from "../helpers/child.ts";
import { isolatedHome } from "../helpers/home.ts";
import { HOST_NEEDS, permittedTest } from "../helpers/permitted.ts";
import { PATIENCE_MS, soon } from "../helpers/soon.ts";
import { compilePeer } from "./toolchain.ts";

/** A client in C that fails, or sends what is malformed: its host's owner gets the code and the reason. */

const schema = connectionSchema({
  inputs: { video: EVERY_FRAME },
  outputs: { video: EVERY_FRAME },
});

const FAULTS: [fault: string, code: ErrorCode, ...words: string[]][] = [
  ["long_error", "client_failed", "shaderyyy", "characters more)"],
  // Its own libxpc does not send it: its exit and its stderr are what is left.
  ["too_long_error", "client_failed", "the shader does not compile"],
  ["no_text", "malformed_message", "no string 'error'"],
  ["early_start", "malformed_message", "before it answered the ping"],
  ["wrong_pong", "malformed_message", "53 4C 41"],
];

/** Starts the C client, as a host starts its own. */
function start(
  peer: string,
  fault: string,
  env: Readonly<Record<string, string>>,
): ClientProcess {
  const child = new Deno.Command(peer, {
    args: ["client", fault],
    env: {
      ...env,
      PEER_SCHEMA_HASH: schemaHash(connectionSchemaToJson(schema)),
    },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const stderr = new Response(child.stderr).text();
  return {
    pid: child.pid,
    stderrTail: "",
    exit: Promise.all([child.status, stderr]).then((
      [{ code, signal }, text],
    ) => ({
      code,
      signal,
      stderrTail: text.trim(),
    })),
    kill: () => void killTree(child.pid),
  };
}

permittedTest(
  "a client in C that fails or sends what is malformed: the host's owner gets the code and the reason",
  HOST_NEEDS,
  async (t) => {
    using home = isolatedHome();
    const peer = `${home.path}/peer`;
    await compilePeer(peer);
    for (const [fault, code, ...words] of FAULTS) {
      await t.step(fault, async () => {
        const host = new Supervisor(Native.open(), {
          schema,
          runtimeId: "test",
          processorId: fault,
          name: "client",
          processorType: "reactive",
          path: "lane",
          sleeps: false,
          timeoutSecs: PATIENCE_MS / 1000,
          findBroker: findEmbedded,
          spawn: (env, bootstrap) =>
            startedIn(
              bootstrap,
              (channel) => start(peer, fault, { ...env, ...channel }),
            ),
          warn: () => {},
          restart: "never",
          settings: {},
          restarting: () => {},
        });
        await using _ = {
          [Symbol.asyncDispose]: () => soon(host.close(), "the host's end"),
        };
        const failure = await soon(host.ended, fault);
        assert(failure !== undefined);
        assertEquals(failure.code, code, failure.message);
        for (const word of words) assertStringIncludes(failure.message, word);
        assert(failure.message.length <= 16_384);
        assert(!failure.message.includes("\x1b"));
      });
    }
  },
);
