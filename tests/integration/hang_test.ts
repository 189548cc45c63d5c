import {
  assert,
  assertEquals,
  assertNotEquals,
  assertStringIncludes,
} from "@std/assert";
import {
  type BridgeError,
  type HostOptions,
  ManualHost,
  ReactiveHost,
} from "../../host/mod.ts";
import { TICKS } from "../fixtures/tick_port.ts";
import { isolatedHome } from "../helpers/home.ts";
import { leavesNothing } from "../helpers/leaks.ts";
import { TEST_PATH } from "../helpers/lane/lane_handshake.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { soon, until } from "../helpers/soon.ts";

const NEEDS = {
  run: true,
  read: true,
  write: true,
  env: true,
  service: true,
} as const;

type Ports = { ticks: typeof TICKS };

/** The client does not hang for long before it is found: it hangs for ever. */
const SOON_SECS = 2;

const OPTIONS = {
  module: new URL("../fixtures/hanging.ts", import.meta.url),
  inputs: { ticks: TICKS },
  outputs: { ticks: TICKS },
  output: () => {},
  path: TEST_PATH,
} satisfies HostOptions<Ports, Ports>;

type Host = ReturnType<typeof launch>;

type Given = Pick<
  HostOptions<Ports, Ports>,
  "hangTimeoutSecs" | "restart" | "onRestart"
>;

function launch(options: Given) {
  return ReactiveHost.launch({ ...OPTIONS, ...options });
}

async function send(host: Host, what: string): Promise<void> {
  await soon(host.input.ticks.ready, "room");
  using tick = host.input.ticks.acquire({
    data: new Uint8Array(1),
    schema_name: what,
    timestamp_ns: 0n,
  });
  assert(host.input.ticks.send(tick));
}

/** Sends a frame that comes back. Returns the process that sent it. */
async function echo(host: Host, what = "echo"): Promise<string> {
  await send(host, what);
  using result = await soon(host.output.ticks.next(), "the answer");
  assert(result);
  return new TextDecoder().decode(result.data);
}

/** Where a client can hang: what makes it, and what is said of it. */
const PLACES: Readonly<
  Record<string, {
    readonly hang: (host: Host) => Promise<void> | void;
    readonly says: string;
    readonly more?: { readonly linux: string };
  }>
> = {
  "a loop in JavaScript": {
    hang: (host) => send(host, "loop"),
    says: "nothing has come from it, and it has not answered (in process(), " +
      "the frame that it read last: number 3 on 'ticks'; frames that wait for it: 1)",
  },
  "a loop in native code": {
    hang: (host) => send(host, "native"),
    says: "(in process(), the frame that it read last: number 3 on 'ticks'; ",
    more: { linux: "libc.so.6" },
  },
  "a call": {
    hang: (host) => void host.call["hang"]!({}).catch(() => {}),
    says:
      "(in the call 'hang', the frame that it read last: number 2 on 'ticks'; " +
      "frames that wait for it: 0)",
  },
  "settingsChanged": {
    hang: (host) => void host.settings.set({ turns: 1 }).catch(() => {}),
    says: "(in settingsChanged(), the frame",
  },
  "pause, while a frame waits": {
    hang: async (host) => {
      host.pause();
      await send(host, "echo");
    },
    says: "(in pause(), the frame that it read last: number 2 on 'ticks'; ",
  },
};

for (const [name, { hang, says, more = {} }] of Object.entries(PLACES)) {
  permittedTest(
    `a client that hangs is ended, with the function and the frame: ${name}`,
    { ...NEEDS, ...more },
    async () => {
      await using home = await isolatedHome();
      await leavesNothing(home.runDirectory, async () => {
        await using host = launch({ hangTimeoutSecs: SOON_SECS });
        await soon(host.ready, "ready");
        for (let number = 1; number <= 2; number++) await echo(host);
        const ended = host.ended;
        await hang(host);
        const failure = (await soon(ended, "its end")) as BridgeError;
        assertEquals(failure.code, "client_hung");
        assertStringIncludes(failure.message, `hangs: for ${SOON_SECS} s`);
        assertStringIncludes(failure.message, says);
      });
    },
  );
}

permittedTest(
  "a client that hangs is started again by the policy, and frames are counted from the first client on",
  NEEDS,
  async () => {
    await using _home = await isolatedHome();
    const failures: BridgeError[] = [];
    await using host = launch({
      hangTimeoutSecs: SOON_SECS,
      restart: "on-failure",
      onRestart: ({ failure }) => void failures.push(failure),
    });
    await soon(host.ready, "ready");
    const first = await echo(host);
    await send(host, "loop");
    await until("a restart", () => failures.length === 1);
    assertNotEquals(await echo(host), first);
    await send(host, "loop");
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
  NEEDS,
  async () => {
    await using _home = await isolatedHome();
    await using host = ManualHost.launch({
      ...OPTIONS,
      module: new URL("../fixtures/hangs/in_start.ts", import.meta.url),
      hangTimeoutSecs: SOON_SECS,
    });
    await soon(host.ready, "ready");
    host.start();
    await soon(host.input.ticks.ready, "room");
    using tick = host.input.ticks.acquire({
      data: new Uint8Array(1),
      schema_name: "loop",
      timestamp_ns: 0n,
    });
    host.input.ticks.send(tick);
    const failure = await soon(host.ended, "its end");
    assertEquals(failure?.code, "client_hung");
    assertStringIncludes(failure!.message, "(in start()");
  },
);

permittedTest(
  "a client that only awaits, one that is stopped, and one for which nothing waits do not hang",
  { ...NEEDS, long: true },
  async () => {
    await using _home = await isolatedHome();
    await using slow = launch({ hangTimeoutSecs: 4 });
    await using stopped = launch({ hangTimeoutSecs: 4 });
    await using idle = launch({ hangTimeoutSecs: 4 });
    for (const host of [slow, stopped, idle]) {
      await soon(host.ready, "ready");
      await echo(host);
    }
    const answered = echo(slow, "await 10 s");
    Deno.kill(stopped.clientPid, "SIGSTOP");
    await send(stopped, "echo");
    await answered; // meanwhile the limit has passed twice for each of them
    Deno.kill(stopped.clientPid, "SIGCONT");
    using result = await soon(stopped.output.ticks.next(), "the answer");
    assert(result);
    for (const host of [slow, stopped, idle]) await echo(host);
  },
);

permittedTest(
  "a limit that is none is refused",
  NEEDS,
  () => {
    for (const hangTimeoutSecs of [0, -1, NaN, 3601, Infinity]) {
      let message = "";
      try {
        launch({ hangTimeoutSecs });
      } catch (error) {
        message = (error as BridgeError).message;
      }
      assertStringIncludes(
        message,
        `Cannot launch with hangTimeoutSecs ${hangTimeoutSecs}: it must be a number from 0.1 to 3600, in seconds`,
      );
    }
    return Promise.resolve();
  },
);
