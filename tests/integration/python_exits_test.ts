/** How clients in Python end by themselves, and what their hosts say of it. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type BridgeError, ReactiveHost } from "../../host/mod.ts";
import { TICKS } from "../fixtures/tick_port.ts";
import { atMost, TWICE_THE_CORES } from "../helpers/at_most.ts";
import { isolatedHome } from "../helpers/home.ts";
import { sendTick, type TickPorts } from "../helpers/hosts.ts";
import { leavesNothing } from "../helpers/leaks.ts";
import { HOST_NEEDS, permittedTest } from "../helpers/permitted.ts";
import { lacksPython } from "../helpers/python_programs.ts";
import { soon } from "../helpers/soon.ts";

type Host = ReactiveHost<TickPorts, TickPorts>;

/** Each way to end, with what the failure says. */
const WAYS: Readonly<Record<string, readonly string[]>> = {
  "exit 0": ["exited with code 0"],
  "exit 3": ["exited with code 3"],
  "exit text": ["exited with code 1", "enough of this"],
  "os._exit": ["exited with code 5"],
  "raises": ["RangeProblem: it is 7", "ways_to_end.py"],
  "raises beyond": ["Beyond: far out", "ways_to_end.py"],
  "interrupt": ["KeyboardInterrupt", "ways_to_end.py"],
  "cancelled": ["CancelledError", "ways_to_end.py"],
};

/** What ends a process wherever it is said, also in a task of which nobody asks the result. */
const EVERYWHERE = ["exit 0", "exit 3", "exit text", "os._exit", "interrupt"];

/** Each place in which a client can end, with what makes it come there. */
const PLACES: Readonly<Record<string, (host: Host) => unknown>> = {
  import: () => {},
  setup: () => {},
  process: (host) => sendTick(host, "go"),
  flush: (host) => void host.close({ drain: true }).catch(() => {}),
  settings_changed: (host) =>
    void host.settings.set({ amount: 1 }).catch(() => {}),
  pause: (host) => host.pause(),
};

/** The same for a processor with `async` functions. */
const ASYNC_PLACES: typeof PLACES = {
  "an async process": (host) => sendTick(host, "go"),
  "an async call": (host) => void host.call.answer!().catch(() => {}),
  "a task of its own": (host) => sendTick(host, "go"),
};
const ONLY_EVERYWHERE = ["an async call", "a task of its own"];
const BEFORE_READY = ["import", "setup"];

const lacking = await lacksPython();

function launch(how: string, where: string, heard: (text: string) => void) {
  const text = new TextDecoder();
  return ReactiveHost.launch({
    module: new URL(
      `../fixtures/python/${where in ASYNC_PLACES ? "async_" : ""}exits.py`,
      import.meta.url,
    ),
    env: { HOW: how, WHERE: where },
    inputs: { ticks: TICKS },
    outputs: { ticks: TICKS },
    output: (chunk) => heard(text.decode(chunk)),
    warn: () => {},
  });
}

/** Ends one client. */
async function endOnce(how: string, where: string): Promise<void> {
  await using host = launch(how, where, () => {});
  host.ready.catch(() => {});
  if (!BEFORE_READY.includes(where)) await soon(host.ready, "ready");
  const ended = host.ended;
  await (PLACES[where] ?? ASYNC_PLACES[where])!(host);
  const failure = await soon(ended, `the end: ${how} in ${where}`);
  assert(failure !== undefined, `${how} in ${where} is a failure`);
  assertEquals((failure as BridgeError).code, "client_failed");
  for (const words of WAYS[how]!) assertStringIncludes(failure.message, words);
  assert(
    !failure.message.startsWith("Traceback"),
    `the text comes first: ${failure.message}`,
  );
}

for (const where of Object.keys({ ...PLACES, ...ASYNC_PLACES })) {
  permittedTest(
    `a client in Python that ends by itself in ${where} is a failure that says how`,
    { ...HOST_NEEDS, linux: "/proc", long: true, lacking },
    async () => {
      using home = isolatedHome();
      await leavesNothing(home.runDirectory, async () => {
        const ways = ONLY_EVERYWHERE.includes(where)
          ? EVERYWHERE
          : Object.keys(WAYS);
        for (const how of ways) await endOnce(how, where);
      });
    },
  );
}

for (const how of Object.keys(WAYS)) {
  permittedTest(
    `50 ends of clients in Python: ${how}`,
    { ...HOST_NEEDS, exhaustive: true, lacking },
    async () => {
      using _ = isolatedHome();
      await atMost(
        TWICE_THE_CORES,
        Array(50).keys(),
        () => endOnce(how, "process"),
      );
    },
  );
}

permittedTest(
  "an orderly end of a client in Python runs what atexit knows",
  { ...HOST_NEEDS, lacking },
  async () => {
    using _ = isolatedHome();
    let output = "";
    const host = launch("nothing", "", (text) => void (output += text));
    await soon(host.ready, "ready");
    await soon(host.close(), "close");
    assertEquals(await host.ended, undefined);
    assertStringIncludes(output, "atexit");
  },
);
