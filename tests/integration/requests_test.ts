/**
 * Settings and calls of a processor in a process of its own.
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  BridgeError,
  type ErrorCode,
  type HostOptions,
  ReactiveHost,
} from "../../host/mod.ts";
import { NUMBERS } from "../fixtures/adjustable.ts";
import { CLIENTS_ARE_PYTHON, testClient } from "../helpers/client_module.ts";
import { TEST_PATH } from "../helpers/lane/lane_handshake.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { soon, until } from "../helpers/soon.ts";

const NEEDS = { read: true, write: true, env: true, run: true } as const;

/** Longer than a client takes to start, also on a slow machine. */
const PATIENT = { timeoutMs: 100_000 };

type Adjustable = typeof import("../fixtures/adjustable.ts");
type Host = ReturnType<typeof launch>;

function launch(
  more: Partial<HostOptions<Record<never, never>, Record<never, never>>> = {},
) {
  return ReactiveHost.launch<Adjustable>({
    ...testClient("adjustable.ts"),
    inputs: { data: NUMBERS },
    outputs: { data: NUMBERS },
    output: () => {},
    path: TEST_PATH,
    ...more as object,
  });
}

function requestTest(name: string, body: () => Promise<void>): void {
  permittedTest(`requests: ${name}`, NEEDS, () => soon(body(), name));
}

async function refused(
  promise: Promise<unknown>,
  code: ErrorCode,
  ...words: string[]
): Promise<BridgeError> {
  const error = await assertRejects(() => promise, BridgeError);
  assertEquals(error.code, code, error.message);
  for (const word of words) {
    assert(error.message.includes(word), error.message);
  }
  return error;
}

function send({ input }: Host, number: number): void {
  using frame = input.data.acquire({
    data: new Uint8Array([number]),
    schema_name: "number",
  });
  assert(input.data.send(frame), "the frame was dropped");
}

/** The number of the next result, and the settings that it was made with. */
async function result(
  { output }: Host,
): Promise<[number, Record<string, unknown>]> {
  using frame = await output.data.next();
  return [frame!.data[0]!, JSON.parse(frame!.schema_name)];
}

requestTest(
  "a processor starts with the values of the launch, and defaults",
  async () => {
    await using host = launch({ settings: { amount: 0.25, wide: 5n } });
    assertEquals<unknown>(host.settings.values, { amount: 0.25, wide: 5n });
    await host.ready;
    const { values } = host.settings;
    assertEquals(values.mode, "soft");
    assertEquals(values.wider, 2n ** 64n - 1n);
    send(host, 1);
    const [, used] = await result(host);
    assertEquals(used, {
      amount: 0.25,
      mode: "soft",
      on: false,
      small: -1,
      count: 1,
      wide: "5n",
      wider: "18446744073709551615n",
      exact: null, // JSON has no -Infinity
      label: "",
    });
    assertEquals((await host.call.heard()).lines, "", "of the first values");
  },
);

requestTest(
  "values at the limits of their types come as they are",
  async () => {
    await using host = launch();
    await host.ready;
    await host.settings.set({
      amount: 0.9, // its maximum, which a Float32 cannot hold exactly
      small: -(2 ** 31),
      count: 2 ** 32 - 1,
      wide: -(2n ** 63n),
      wider: 0n,
      exact: Number.MIN_VALUE,
      label: "ä\n\u{1f600}",
      on: true,
      mode: "hard",
    });
    assertEquals(host.settings.values.amount, Math.fround(0.9));
    send(host, 1);
    const [, used] = await result(host);
    assertEquals(used["small"], -(2 ** 31));
    assertEquals(used["count"], 2 ** 32 - 1);
    assertEquals(used["wide"], `${-(2n ** 63n)}n`);
    assertEquals(used["wider"], "0n");
    assertEquals(used["exact"], Number.MIN_VALUE);
    assertEquals(used["label"], "ä\n\u{1f600}");
    assertEquals(used["amount"], Math.fround(0.9));
  },
);

const REFUSED: [values: object, ...words: string[]][] = [
  [{ amuont: 1 }, "amuont", "amount, mode"],
  [{ amount: 0.95 }, "settings.amount", "a number from 0 to 0.9", "0.95"],
  [{ amount: NaN }, "settings.amount", "NaN"],
  [{ amount: "1" }, "settings.amount", '"1"'],
  [{ small: 2 ** 31 }, "settings.small", "2147483648"],
  [{ wide: 1 }, "settings.wide"],
  [{ mode: "loud" }, "settings.mode", '"loud"'],
  [{ on: 1 }, "settings.on"],
  [{ label: "\0" }, "settings.label"],
];

requestTest(
  "a value that is none is refused by name, and nothing changes",
  async () => {
    await using host = launch();
    await host.ready;
    const before = host.settings.values;
    for (const [values, ...words] of REFUSED) {
      await refused(
        host.settings.set({ count: 9, ...values }),
        "bad_argument",
        ...words,
      );
    }
    assertEquals(host.settings.values, before);
    assertEquals((await host.call.heard()).lines, "");
  },
);

requestTest("a launch with a wrong setting fails by name", async () => {
  const settings = { amount: 2 };
  await using host = launch({ settings });
  await refused(host.ready, "bad_argument", "settings.amount", "got 2");
  await using other = launch({ settings: { amuont: 0.5 } });
  await refused(other.ready, "bad_argument", "'amuont'", "amount, mode");
  await using none = ReactiveHost.launch({
    ...testClient("sink.ts"),
    inputs: { ticks: NUMBERS },
    output: () => {},
    settings: { amount: 0.5 },
  });
  await refused(none.ready, "bad_argument", "'amount'", "declares none");
});

requestTest(
  "a change comes between the frames that were sent before and after it",
  async () => {
    await using host = launch();
    await host.ready;
    const changes: Promise<void>[] = [];
    const found: number[] = [];
    const reading = (async () => {
      for (let n = 0; n < 60; n++) {
        const [number, used] = await result(host);
        assertEquals(number, n);
        found.push(Number(used["count"]));
      }
    })();
    for (let n = 0; n < 60; n++) {
      await host.input.data.ready;
      send(host, n);
      changes.push(host.settings.set({ count: n }));
    }
    await Promise.all([reading, ...changes]);
    assertEquals(found, [1, ...Array.from({ length: 59 }, (_, n) => n)]);
  },
);

requestTest(
  "a call comes after the frames that were sent before it",
  async () => {
    await using host = launch();
    await host.ready;
    for (let n = 0; n < 5; n++) send(host, n);
    assertEquals((await host.call.answered()).count, 1);
    assertEquals(host.output.data.size, 5);
  },
);

requestTest("a call has typed fields both ways", async () => {
  await using host = launch();
  await host.ready;
  const reply = await host.call.echo({
    text: "hello",
    point: { x: 1.5, tags: Int32Array.of(1, -2) },
    maybe: null,
  });
  assertEquals(reply, { text: "hello", x: 1.5, tag: -2, maybe: null });
  const wrong = { text: 1, point: { x: 1, tags: Int32Array.of(1, 2) } };
  await refused(
    host.call.echo(wrong as never),
    "bad_argument",
    "echo.request.text",
    "got 1",
  );
  const any = host.call as unknown as Record<string, () => Promise<unknown>>;
  await refused(any["ecko"]!(), "bad_argument", "'ecko'", "echo, heard");
});

requestTest(
  "a host and its calls can be awaited, written as JSON and as text",
  async () => {
    await using host = launch();
    const { call } = host;
    assertEquals(JSON.stringify({ call }), '{"call":{}}');
    assertEquals(`${call}`, "[object Object]");
    assertEquals(await call as unknown, call);
    assertEquals(JSON.parse(JSON.stringify(host)).call, {});
    await host.ready;
    assertEquals((await host.call.answered()).count, 1);
  },
);

requestTest(
  "what a call throws is its answer, and the processor goes on",
  async () => {
    await using host = launch();
    await host.ready;
    await refused(host.call.refuses(), "bad_argument", "no such place");
    const failure = await refused(
      host.call.fails(),
      "client_failed",
      `RangeError: a bad call\n    ${CLIENTS_ARE_PYTHON ? "File" : "at"} `,
    );
    const { name, stack } = failure.cause as Error;
    assertEquals([name, failure.cause instanceof BridgeError], [
      "RangeError",
      false,
    ]);
    assert(stack!.includes("/tests/fixtures/"), stack);
    await refused(
      host.call.lies(),
      "schema_mismatch",
      "lies.reply.count",
      "many",
    );
    await refused(
      host.call.bytes({ size: 2 * 1024 * 1024 }),
      "bad_argument",
      "1 MiB",
    );
    const point = { x: 1, tags: Int32Array.of(1, 2) };
    const text = "x".repeat(2 * 1024 * 1024);
    await refused(
      host.call.echo({ text, point, maybe: null }),
      "bad_argument",
      "1 MiB",
    );
    const { bytes } = await host.call.bytes({ size: 1_000_000 });
    assertEquals([bytes.length, bytes[999_999]], [1_000_000, 7]);
    send(host, 1);
    assertEquals((await result(host))[0], 1);
  },
);

requestTest(
  "a call is given up by its signal and by its time limit",
  async () => {
    await using host = launch();
    await host.ready;
    const stop = new AbortController();
    const waiting = host.call.waits({}, { signal: stop.signal });
    assertEquals((await result(host))[0], 99, "it has begun");
    stop.abort(new Error("enough"));
    const error = await refused(waiting, "aborted", "'waits'");
    assertEquals((error.cause as Error).message, "enough");
    await refused(
      host.call.waits({}, { timeoutMs: 1 }),
      "timed_out",
      "'waits'",
      "within 1 ms",
    );
    const { lines } = await host.call.heard();
    assert(lines.includes("aborted"), lines);
    await refused(
      host.call.heard({}, { timeoutMs: -1 }),
      "bad_argument",
      "-1 ms",
    );
  },
);

requestTest(
  "more calls than the limit are refused, and the others are answered",
  async () => {
    await using host = launch();
    await host.ready;
    const stop = new AbortController();
    const first = host.call.waits({}, { signal: stop.signal }).catch(() => {});
    const calls = Array.from({ length: 63 }, () => host.call.answered());
    await refused(host.call.answered(), "outbox_full", "64 requests");
    stop.abort();
    await first;
    const counts = (await Promise.all(calls)).map(({ count }) => count);
    assertEquals(counts, Array.from({ length: 63 }, (_, n) => n + 1));
  },
);

requestTest(
  "a client that dies: its calls reject, and the next one has the settings",
  async () => {
    await using host = launch({ restart: "on-failure", onRestart: () => {} });
    await host.ready;
    await host.settings.set({ count: 3 });
    const { pid } = await host.call.answered();
    const dying = host.call.dies();
    const behind = host.call.answered();
    const change = host.settings.set({ label: "late" }, PATIENT);
    await refused(dying, "channel_lost", "'dies'", "7");
    await refused(
      behind,
      "channel_lost",
      "'answered'",
      "does not send it again",
    );
    const later = host.call.answered({}, PATIENT);
    await change;
    const next = await later;
    assert(next.pid !== pid, "the same process");
    assertEquals(next.count, 1, "a call was made twice");
    send(host, 1);
    const [, used] = await result(host);
    assertEquals([used["count"], used["label"]], [3, "late"]);
  },
);

requestTest(
  "a call waits for a client that is started again, and for its deadline",
  async () => {
    await using host = launch({ restart: "on-failure", onRestart: () => {} });
    const early = host.call.answered({}, PATIENT); // before it is ready
    assertEquals((await early).count, 1);
    const dying = host.call.dies();
    await refused(dying, "channel_lost");
    await refused(
      host.call.answered({}, { timeoutMs: 1 }),
      "timed_out",
      "no client was ready",
    );
    assertEquals((await host.call.answered({}, PATIENT)).count, 1);
  },
);

requestTest(
  "a close settles what was asked, and what is asked later",
  async () => {
    const host = launch();
    await host.ready;
    const waiting = [
      host.call.waits().then(() => "answered", ({ code }) => code),
      host.settings.set({ count: 4 }).then(() => "set", ({ code }) => code),
    ];
    await host.close();
    assertEquals(await Promise.all(waiting), ["closed", "closed"]);
    await refused(host.call.heard(), "closed");
    await refused(host.settings.set({ count: 5 }), "closed");
  },
);

requestTest("requests are handled while the processor is paused", async () => {
  await using host = launch();
  await host.ready;
  host.pause();
  for (let n = 0; n < 3; n++) send(host, n);
  await host.settings.set({ count: 8 });
  assertEquals((await host.call.answered()).count, 1);
  assertEquals(host.output.data.size, 0);
  host.resume();
  assertEquals((await result(host))[0], 0);
});

requestTest("requests are handled when all inputs have ended", async () => {
  await using host = launch();
  await host.ready;
  send(host, 1);
  await host.drain();
  assertEquals((await host.call.answered()).count, 1);
  await host.settings.set({ count: 8 });
  await until("the hook", () => host.settings.values.count === 8);
});
