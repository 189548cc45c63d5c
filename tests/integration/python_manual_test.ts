/** A manual processor in Python whose `start` waits beside a call. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { TransportPath } from "../../channel/mod.ts";
import { ManualHost } from "../../host/mod.ts";
import { TICKS } from "../fixtures/tick_port.ts";
import { isolatedHome } from "../helpers/home.ts";
import { HOST_NEEDS, permittedTest } from "../helpers/permitted.ts";
import { lacksPython } from "../helpers/python_programs.ts";
import { soon } from "../helpers/soon.ts";

const lacking = await lacksPython();

const PORTS = { inputs: { ticks: TICKS }, outputs: { answers: TICKS } };
type Host = ReturnType<typeof launch>;

function launch(path: TransportPath) {
  return ManualHost.launch({
    module: new URL("../fixtures/python/start_beside_call.py", import.meta.url),
    ...PORTS,
    path,
    output: () => {},
    warn: () => {},
  });
}

async function answer(host: Host): Promise<string | undefined> {
  using said = await soon(host.output.answers.next(), "an answer");
  return said?.schema_name;
}

/** Calls while `start` waits, and sends the tick for which both wait. Returns the call. */
async function callThenSend(
  host: Host,
  tick: string,
): Promise<unknown> {
  const reply = host.call["wait_for_tick"]!({});
  reply.catch(() => {});
  assertEquals(await answer(host), "called");
  using frame = host.input.ticks.acquire({
    data: new Uint8Array(0),
    schema_name: tick,
    timestamp_ns: 0n,
  });
  assert(host.input.ticks.send(frame));
  return reply;
}

for (const path of ["lane", "dictionary"] as const) {
  permittedTest(
    `a start in Python gets its frames while a call is handled, over a ${path}, and its end and its error are heard beside a call`,
    { ...HOST_NEEDS, lacking },
    async () => {
      using _ = isolatedHome();
      await using host = launch(path);
      await soon(host.ready, "ready");
      host.start();
      assertEquals(await answer(host), "started");
      for (const tick of ["on", "on", "end"]) {
        await soon(callThenSend(host, tick), `the reply beside '${tick}'`);
      }
      host.stop();
      assertEquals(await answer(host), "stopped");
      host.start();
      assertEquals(await answer(host), "started");
      const ended = host.ended;
      void callThenSend(host, "fail").catch(() => {});
      const failure = await soon(ended, "the failure");
      assertEquals(failure?.code, "client_failed");
      assertStringIncludes(failure!.message, "ValueError: start has failed");
    },
  );
}
