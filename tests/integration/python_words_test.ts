/** What clients in Python write, and what is said of those that crash, hang or are interrupted. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  type BridgeError,
  type HostOptions,
  ReactiveHost,
} from "../../host/mod.ts";
import { TICKS } from "../fixtures/tick_port.ts";
import { isolatedHome } from "../helpers/home.ts";
import { sendTick, type TickPorts } from "../helpers/hosts.ts";
import { HOST_NEEDS, permittedTest } from "../helpers/permitted.ts";
import { lacksPython } from "../helpers/python_programs.ts";
import { soon, until } from "../helpers/soon.ts";

const lacking = await lacksPython();
const NEEDS = { ...HOST_NEEDS, lacking };

/** A host of the fixture, and what its client writes. */
function launch(
  how: string,
  options: Partial<HostOptions<TickPorts, TickPorts>> = {},
): [ReactiveHost<TickPorts, TickPorts>, () => string] {
  const text = new TextDecoder();
  let output = "";
  const host = ReactiveHost.launch({
    module: new URL("../fixtures/python/words.py", import.meta.url),
    env: { HOW: how },
    inputs: { ticks: TICKS },
    outputs: { ticks: TICKS },
    output: (chunk) => void (output += text.decode(chunk, { stream: true })),
    warn: () => {},
    ...options,
  });
  return [host, () => output];
}

/** The failure of a client that does not survive its first tick. */
async function failureOf(
  host: ReactiveHost<TickPorts, TickPorts>,
): Promise<BridgeError> {
  await soon(host.ready, "ready");
  const ended = host.ended;
  await sendTick(host, "go");
  return await soon(ended, "the end") as BridgeError;
}

permittedTest(
  "what a client in Python prints and logs comes at once; its stdin is empty",
  NEEDS,
  async () => {
    using _ = isolatedHome();
    const [host, output] = launch("speaks");
    await using _host = host;
    await soon(host.ready, "ready");
    await sendTick(host, "go");
    await until("the last words", () => output().includes("stdin has ''"));
    for (
      const words of [
        "printed: é, 犬, \ufffd\n",
        "without an end of line;",
        "logged\n",
        "UserWarning: warned of\n",
        "printed by a thread\n",
      ]
    ) assertStringIncludes(output(), words);
  },
);

for (const [how, signal] of [["crashes", "SIGSEGV"], ["aborts", "SIGABRT"]]) {
  permittedTest(
    `a client in Python that ${how} is a failure that names the line`,
    NEEDS,
    async () => {
      using _ = isolatedHome();
      const [host] = launch(how!);
      await using _host = host;
      const { code, message } = await failureOf(host);
      assertEquals(code, "client_failed");
      for (const words of [signal!, "words.py", "in process"]) {
        assertStringIncludes(message, words);
      }
    },
  );
}

permittedTest(
  "a client in Python that hangs writes the line at which it hung",
  NEEDS,
  async () => {
    using _ = isolatedHome();
    const [host, output] = launch("hangs", { hangTimeoutSecs: 4 });
    await using _host = host;
    const { code } = await failureOf(host);
    assertEquals(code, "client_hung");
    await until("its line", () => output().includes("in turns_for_ever"));
    assertStringIncludes(output(), "words.py");
  },
);

permittedTest(
  "a Ctrl-C does not interrupt a processor in Python",
  NEEDS,
  async () => {
    using _ = isolatedHome();
    const [host] = launch("is interrupted");
    await using _host = host;
    await soon(host.ready, "ready");
    await sendTick(host, "go");
    using tick = await soon(host.output.ticks.next(), "the tick");
    assertEquals(tick?.schema_name, "on");
    await soon(host.close(), "close");
    assertEquals(await host.ended, undefined);
  },
);
