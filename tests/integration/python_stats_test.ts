/** The counters of a client in Python. */

import { assert, assertEquals } from "@std/assert";
import { ReactiveHost } from "../../host/mod.ts";
import { TICKS } from "../fixtures/tick_port.ts";
import { isolatedHome } from "../helpers/home.ts";
import { sendTick } from "../helpers/hosts.ts";
import { HOST_NEEDS, permittedTest } from "../helpers/permitted.ts";
import { lacksPython } from "../helpers/python_programs.ts";
import { soon } from "../helpers/soon.ts";

const lacking = await lacksPython();

permittedTest(
  "transfer_stats() of a client in Python counts the bytes copied into messages, and the messages",
  { ...HOST_NEEDS, lacking },
  async () => {
    using _ = isolatedHome();
    await using host = ReactiveHost.launch({
      module: new URL("../fixtures/python/counts.py", import.meta.url),
      path: "dictionary",
      inputs: { ticks: TICKS },
      outputs: { ticks: TICKS },
    });
    await soon(host.ready, "ready");
    const counters = async () => {
      await sendTick(host, "count");
      using answer = await soon(host.output.ticks.next(), "an answer");
      assert(answer);
      return JSON.parse(answer.schema_name);
    };
    const before = await counters();
    const after = await counters();
    assert(after.copied_bytes - before.copied_bytes >= 1024);
    assert(after.messages > before.messages);
    assertEquals(
      after.socket_bytes > before.socket_bytes,
      Deno.build.os === "linux",
    );
  },
);
