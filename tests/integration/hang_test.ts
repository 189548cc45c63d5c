import {
  assert,
  assertEquals,
  assertNotEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  BridgeError,
  type HostOptions,
  ManualHost,
  ReactiveHost,
} from "../../host/mod.ts";
import { TICKS } from "../fixtures/tick_port.ts";
import { CLIENTS_ARE_PYTHON, testClient } from "../helpers/client_module.ts";
import { isolatedHome } from "../helpers/home.ts";
import { sendTick, type TickPorts } from "../helpers/hosts.ts";
import { leavesNothing } from "../helpers/leaks.ts";
import { TEST_PATH } from "../helpers/lane/lane_handshake.ts";
import { HOST_NEEDS, permittedTest } from "../helpers/permitted.ts";
import { soon, until } from "../helpers/soon.ts";

/** What hangs does so for ever. What does not must answer within half of this time, also on a slow machine. */
const LIMIT_SECS = 4;

const OPTIONS = {
  ...testClient("hanging.ts"),
  inputs: { ticks: TICKS },
  outputs: { ticks: TICKS },
  output: () => {},
  path: TEST_PATH,
} satisfies HostOptions<TickPorts, TickPorts>;

type Host = ReturnType<typeof launch>;

type Given = Pick<
  HostOptions<TickPorts, TickPorts>,
  "hangTimeoutSecs" | "restart" | "onRestart"
>;

function launch(options: Given) {
  return ReactiveHost.launch({ ...OPTIONS, ...options });
}

/** Sends a frame that comes back. Returns the process that sent it. */
async function echo(host: Host, what = "echo"): Promise<string> {
  await sendTick(host, what);
  using result = await soon(host.output.ticks.next(), "the answer");
  assert(result);
  return new TextDecoder().decode(result.data);
}

/** Where a client can hang: what makes it, and what is said of it. */
const PLACES: Readonly<
  Record<string, {
    readonly hang: (host: Host) => Promise<void> | void;
    readonly says: string;
    /** The innermost function of the user's code, where a client in Python was. */
    readonly inPython: string;
    readonly more?: { readonly linux: string };
  }>
> = {
  "a loop in JavaScript": {
    hang: (host) => sendTick(host, "loop"),
    says: "s and does not answer " +
      "(in process(); last frame read: number 3 on 'ticks'; frames not released: 1)",
    inPython: "loop",
  },
  "a loop in native code": {
    hang: (host) => sendTick(host, "native"),
    says: "(in process(); last frame read: number 3 on 'ticks'; ",
    inPython: "<lambda>",
    more: { linux: "libc.so.6" },
  },
  "a call": {
    hang: (host) => void host.call["hang"]!({}).catch(() => {}),
    says: "(in the call 'hang'; last frame read: number 2 on 'ticks'; " +
      "frames not released: 0)",
    inPython: "loop",
  },
  "settingsChanged": {
    hang: (host) => void host.settings.set({ turns: 1 }).catch(() => {}),
    says: "(in settingsChanged(); last frame",
    inPython: "loop",
  },
  "pause, while a frame waits": {
    hang: async (host) => {
      host.pause();
      await sendTick(host, "echo");
    },
    says: "(in pause(); last frame read: number 2 on 'ticks'; ",
    inPython: "loop",
  },
};

for (
  const [name, { hang, says, inPython, more = {} }] of Object.entries(PLACES)
) {
  permittedTest(
    `a client that hangs is ended, with the function and the frame: ${name}`,
    { ...HOST_NEEDS, ...more },
    async () => {
      await using home = await isolatedHome();
      await leavesNothing(home.runDirectory, async () => {
        await using host = launch({ hangTimeoutSecs: LIMIT_SECS });
        await soon(host.ready, "ready");
        for (let number = 1; number <= 2; number++) await echo(host);
        const ended = host.ended;
        await hang(host);
        const failure = (await soon(ended, "its end")) as BridgeError;
        assertEquals(failure.code, "client_hung");
        assertStringIncludes(
          failure.message,
          `hangs: it has sent nothing for ${LIMIT_SECS} s`,
        );
        assertStringIncludes(failure.message, says);
        if (CLIENTS_ARE_PYTHON) {
          const place = /^ {4}File ".*\/hanging\.py", line \d+ in (.*)$/m;
          assertEquals(place.exec(failure.message)?.[1], inPython);
          const { stack = "" } = failure.cause as Error;
          assertStringIncludes(stack, "/streamlib_bridge/_loops.py");
        } else assertEquals(failure.cause, undefined);
      });
    },
  );
}

permittedTest(
  "a client that hangs is started again by the policy, and frames are counted from the first client on",
  HOST_NEEDS,
  async () => {
    await using _home = await isolatedHome();
    const failures: BridgeError[] = [];
    await using host = launch({
      hangTimeoutSecs: LIMIT_SECS,
      restart: "on-failure",
      onRestart: ({ failure }) => void failures.push(failure),
    });
    await soon(host.ready, "ready");
    const first = await echo(host);
    await sendTick(host, "loop");
    await until("a restart", () => failures.length === 1);
    assertNotEquals(await echo(host), first);
    await sendTick(host, "loop");
    await until("another restart", () => failures.length === 2);
    await echo(host);
    assertEquals(failures.map(({ code }) => code), [
      "client_hung",
      "client_hung",
    ]);
    assertStringIncludes(failures[0]!.message, "number 2 on 'ticks'");
    assertStringIncludes(failures[1]!.message, "number 4 on 'ticks'");
    assertEquals(host.restarts, 2);
  },
);

permittedTest(
  "a manual processor that hangs in start is ended",
  HOST_NEEDS,
  async () => {
    await using _home = await isolatedHome();
    await using host = ManualHost.launch({
      ...OPTIONS,
      ...testClient("hangs/in_start.ts"),
      hangTimeoutSecs: LIMIT_SECS,
    });
    await soon(host.ready, "ready");
    host.start();
    await sendTick(host, "loop");
    const failure = await soon(host.ended, "its end");
    assertEquals(failure?.code, "client_hung");
    assertStringIncludes(failure!.message, "(in start()");
  },
);

permittedTest(
  "a client that only awaits, one that is stopped, and one for which nothing waits do not hang",
  { ...HOST_NEEDS, long: true },
  async () => {
    await using _home = await isolatedHome();
    await using slow = launch({ hangTimeoutSecs: LIMIT_SECS });
    await using stopped = launch({ hangTimeoutSecs: LIMIT_SECS });
    await using idle = launch({ hangTimeoutSecs: LIMIT_SECS });
    for (const host of [slow, stopped, idle]) {
      await soon(host.ready, "ready");
      await echo(host);
    }
    const answered = echo(slow, "await 10 s");
    Deno.kill(stopped.clientPid, "SIGSTOP");
    await sendTick(stopped, "echo");
    await answered; // meanwhile the limit has passed twice for each of them
    Deno.kill(stopped.clientPid, "SIGCONT");
    using result = await soon(stopped.output.ticks.next(), "the answer");
    assert(result);
    for (const host of [slow, stopped, idle]) await echo(host);
  },
);

permittedTest(
  "a limit that is none is refused",
  HOST_NEEDS,
  () => {
    for (const hangTimeoutSecs of [0, -1, NaN, 3601, Infinity]) {
      assertThrows(
        () => launch({ hangTimeoutSecs }),
        BridgeError,
        `Cannot launch with hangTimeoutSecs ${hangTimeoutSecs}: it must be a number from 0.1 to 3600, in seconds`,
      );
    }
    return Promise.resolve();
  },
);
