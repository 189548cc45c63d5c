import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ClientRequests } from "../../../host/client_requests.ts";
import { BridgeError, type ErrorCode } from "../../../proto/errors.ts";
import { defineFields, Float32, UInt32 } from "../../../proto/mod.ts";
import {
  callSchemas,
  declarationsToJson,
} from "../../../proto/schema/json/declarations_json.ts";
import { setting } from "../../../proto/schema/settings.ts";
import { FEATURES, type Features } from "../../../proto/wire/features.ts";
import { CHANNEL_KEY, CTRL_TYPE } from "../../../proto/wire/keys.ts";
import {
  double,
  uint64,
  type XpcDictionary,
} from "../../../proto/wire/xpc_value.ts";

/** What the processor of these tests declares. */
const DECLARED: XpcDictionary = {
  [CHANNEL_KEY.declarations]: JSON.stringify(declarationsToJson({
    settings: { amount: setting(Float32, { default: 0.5, maximum: 1 }) },
    calls: {
      ask: callSchemas(
        "ask",
        defineFields({}),
        defineFields({ count: UInt32 }),
      ),
    },
  })),
};

/** Requests of a host, and what was sent. */
class Stage {
  readonly sent: [type: string, fields: XpcDictionary][] = [];
  readonly warnings: string[] = [];
  /** Whether no message can be sent. */
  tooLarge = false;
  features: Features = new Set(FEATURES);
  readonly #timers = new Set<() => void>();
  readonly requests: ClientRequests;

  constructor(given: Record<string, number> = {}) {
    const features = (): Features => this.features;
    this.requests = new ClientRequests({
      clock: {
        now: () => 0,
        after: (_, callback) => {
          this.#timers.add(callback);
          return {
            cancel: () => void this.#timers.delete(callback),
            unref: () => {},
          };
        },
      },
      warn: (text) => void this.warnings.push(text),
      channel: {
        get features() {
          return features();
        },
        sendControl: (type, fields) => {
          if (this.tooLarge) {
            throw new BridgeError("bad_argument", "the message is too large");
          }
          this.sent.push([type, fields]);
        },
      },
    }, given);
  }

  /** A client comes, declares, and is ready. */
  connect(declared = DECLARED): void {
    this.requests.connected();
    assertEquals(this.requests.declared(declared), undefined);
    assertEquals(this.requests.started(), undefined);
    this.requests.opened();
  }

  /** The types of what was sent since the last call of this. */
  get types(): string[] {
    return this.sent.splice(0).map(([type]) => type);
  }

  /** The id of the last request. */
  get lastId(): XpcDictionary[string] {
    return this.sent.at(-1)![1][CHANNEL_KEY.requestId];
  }

  /** All time limits pass. */
  passTime(): void {
    for (const callback of [...this.#timers]) callback();
  }

  get timers(): number {
    return this.#timers.size;
  }
}

async function rejects(
  promise: Promise<unknown>,
  code: ErrorCode,
  words = "",
): Promise<void> {
  const error = await assertRejects(() => promise, BridgeError);
  assertEquals(error.code, code, error.message);
  assert(error.message.includes(words), error.message);
}

Deno.test("before the client is ready, a change joins its first values, and a call waits", async () => {
  const stage = new Stage({ amount: 0.25 });
  const call = stage.requests.call("ask");
  const change = stage.requests.set({ amount: 0.75 });
  const wrong = stage.requests.set({ amount: 2 });
  assertEquals(stage.types, []);
  stage.connect();
  assertEquals(stage.sent[0]?.[1][CHANNEL_KEY.values], {
    amount: double(0.75),
  });
  assertEquals(stage.types, [CTRL_TYPE.set, CTRL_TYPE.call]);
  await change;
  await rejects(wrong, "bad_argument", "amount");
  stage.requests.answered({
    [CHANNEL_KEY.requestId]: uint64(2),
    [CHANNEL_KEY.reply]: { count: uint64(7) },
  });
  assertEquals(await call, { count: 7 });
  assertEquals(stage.requests.values, { amount: 0.75 });
  assertEquals(stage.timers, 0);
});

/** What a client declares whose module has another setting. */
const RENAMED: XpcDictionary = {
  [CHANNEL_KEY.declarations]: JSON.stringify(declarationsToJson({
    settings: { gain: setting(Float32, { default: 1 }) },
    calls: {},
  })),
};

Deno.test("a later client starts without what its module does not know, and the owner is told", async () => {
  const stage = new Stage({ amount: 0.25 });
  stage.connect();
  stage.requests.lost(undefined);
  const change = stage.requests.set({ gain: 3 });
  assertEquals(stage.types, [CTRL_TYPE.set]);
  stage.connect(RENAMED);
  assertEquals(stage.sent[0]?.[1][CHANNEL_KEY.values], { gain: double(3) });
  assertEquals(stage.warnings.length, 1);
  assert(
    stage.warnings[0]!.startsWith(
      "the next client starts without the setting 'amount', which was 0.25: ",
    ),
    stage.warnings[0],
  );
  await change;
  assertEquals(stage.requests.values, { gain: 3 });
});

Deno.test("the first client must know what it is given, even if a change would be left out", () => {
  const stage = new Stage({ amount: 0.25 });
  stage.requests.connected();
  const problem = stage.requests.declared(RENAMED);
  assertEquals(problem?.code, "bad_argument");
  assertEquals(stage.warnings, []);
});

Deno.test("a change that was made while clients failed replaces the value that they failed with", async () => {
  const stage = new Stage();
  stage.connect();
  const bad = stage.requests.set({ amount: 0.125 });
  stage.requests.lost(undefined);
  const good = stage.requests.set({ amount: 0.875 });
  stage.sent.splice(0);
  stage.connect();
  assertEquals(stage.sent[0]?.[1][CHANNEL_KEY.values], {
    amount: double(0.875),
  });
  await Promise.all([bad, good]);
});

Deno.test("a change that is too large to be sent changes nothing", async () => {
  const stage = new Stage({ amount: 0.25 });
  stage.connect();
  stage.tooLarge = true;
  const change = stage.requests.set({ amount: 0.75 });
  await rejects(change, "bad_argument", "too large");
  assertEquals(stage.requests.values, { amount: 0.25 });
});

Deno.test("the error of a call has its client's stack as the cause", async () => {
  const stage = new Stage();
  stage.connect();
  const call = stage.requests.call("ask");
  const stack =
    "RangeError: too far\n    at ask (file:///home/me/blur.ts:3:9)\n    at file:///home/me/blur.ts:9:1";
  stage.requests.answered({
    [CHANNEL_KEY.requestId]: stage.lastId,
    [CHANNEL_KEY.error]: "RangeError: too far",
    [CHANNEL_KEY.stack]: stack,
  });
  const error = await assertRejects(() => call, BridgeError);
  assertEquals(
    error.message,
    "The client has answered the call 'ask' with an error: RangeError: too far\n" +
      "    at ask (file:///home/me/blur.ts:3:9)",
  );
  const cause = error.cause as Error;
  assertEquals(cause instanceof BridgeError, false);
  assertEquals([cause.name, cause.message, cause.stack], [
    "RangeError",
    "too far",
    stack,
  ]);
});

Deno.test("an answer that is not valid rejects its call, and one that nobody waits for is ignored", async () => {
  const stage = new Stage();
  stage.connect();
  const call = stage.requests.call("ask");
  const id = stage.lastId;
  stage.requests.answered({});
  stage.requests.answered({ [CHANNEL_KEY.requestId]: uint64(99) });
  stage.requests.answered({ [CHANNEL_KEY.requestId]: "1" });
  stage.requests.answered({
    [CHANNEL_KEY.requestId]: id,
    [CHANNEL_KEY.reply]: { count: double(1) },
  });
  await rejects(call, "malformed_message", "ask.reply.count");
  stage.requests.answered({ [CHANNEL_KEY.requestId]: id });
  const other = stage.requests.call("ask");
  stage.requests.answered({
    [CHANNEL_KEY.requestId]: stage.lastId,
    [CHANNEL_KEY.error]: "no",
    [CHANNEL_KEY.code]: "no such code",
  });
  await rejects(other, "client_failed", "no");
});

Deno.test("a change that the client refuses does not count", async () => {
  const stage = new Stage();
  stage.connect();
  const change = stage.requests.set({ amount: 0.75 });
  assertEquals(stage.requests.values, { amount: 0.75 });
  stage.requests.answered({
    [CHANNEL_KEY.requestId]: stage.lastId,
    [CHANNEL_KEY.error]: "not so much",
    [CHANNEL_KEY.code]: "bad_argument",
  });
  await rejects(change, "bad_argument", "not so much");
  assertEquals(stage.requests.values, { amount: 0.5 });
});

Deno.test("a change that the client refuses after its time limit does not count either", async () => {
  const stage = new Stage();
  stage.connect();
  const change = stage.requests.set({ amount: 0.75 });
  const id = stage.lastId;
  stage.passTime();
  await rejects(change, "timed_out", "the client has it");
  assertEquals(stage.requests.values, { amount: 0.75 });
  stage.requests.answered({
    [CHANNEL_KEY.requestId]: id,
    [CHANNEL_KEY.error]: "not so much",
  });
  assertEquals(stage.requests.values, { amount: 0.5 });
  assertEquals(stage.timers, 0);
});

Deno.test("a client that dies: the next one gets the changes, and no call", async () => {
  const stage = new Stage();
  stage.connect();
  const change = stage.requests.set({ amount: 0.75 });
  const call = stage.requests.call("ask");
  stage.requests.lost(new BridgeError("client_failed", "it crashed"));
  await rejects(call, "channel_lost", "it crashed");
  const later = stage.requests.call("ask");
  stage.sent.length = 0;
  stage.connect();
  await change;
  assertEquals(stage.sent[0]?.[1][CHANNEL_KEY.values], {
    amount: double(0.75),
  });
  assertEquals(stage.types, [CTRL_TYPE.set, CTRL_TYPE.call]);
  stage.requests.ended(undefined);
  await rejects(later, "closed", "before the client had answered");
  await rejects(stage.requests.call("ask"), "closed");
  assertEquals(stage.timers, 0);
});

Deno.test("a time limit tells whether a client was ready, and cancels the call", async () => {
  const stage = new Stage();
  const early = stage.requests.call("ask");
  stage.passTime();
  await rejects(early, "timed_out", "no client was ready");
  stage.connect();
  const late = stage.requests.call("ask");
  stage.sent.length = 0;
  stage.passTime();
  await rejects(late, "timed_out", "the client has it");
  assertEquals(stage.types, [CTRL_TYPE.cancel]);
});

Deno.test("a client without the feature is asked nothing", async () => {
  const stage = new Stage();
  stage.features = new Set();
  stage.requests.connected();
  assertEquals(stage.requests.started(), undefined);
  stage.requests.opened();
  await rejects(stage.requests.call("ask"), "version_mismatch", "'requests'");
  await rejects(stage.requests.set({ a: 1 }), "version_mismatch");
  assertEquals(stage.types, []);
  const given = new Stage({ amount: 1 });
  given.features = new Set();
  given.requests.connected();
  assertEquals(given.requests.started()?.code, "version_mismatch");
});

Deno.test("a client that declares nonsense, or not what was given, is refused", () => {
  const { requests } = new Stage();
  requests.connected();
  assertEquals(requests.declared({})?.code, "malformed_message");
  const given = new Stage({ amount: 2 });
  given.requests.connected();
  const refused = given.requests.declared(DECLARED);
  assertEquals(
    [refused?.code, refused?.message],
    [
      "bad_argument",
      "Cannot launch: settings.amount: expected a number of at most 1, got 2",
    ],
  );
  assertThrows(
    () => new Stage({ amount: [] as unknown as number }),
    BridgeError,
    "the setting 'amount' an array of 0",
  );
});

Deno.test("settings that are no object are refused, at the launch and later; undefined is no value", async () => {
  const stage = new Stage();
  stage.connect();
  const before = stage.requests.values;
  stage.types;
  for (const wrong of [null, 5, "amount", [0.5], undefined, () => {}]) {
    const values = wrong as unknown as Record<string, number>;
    await rejects(
      stage.requests.set(values),
      "bad_argument",
      "not an object with a value for each name",
    );
    if (wrong === undefined) continue; // the test's own default
    const error = assertThrows(() => new Stage(values), BridgeError);
    assertEquals(error.code, "bad_argument");
    assert(error.message.startsWith("Cannot launch: the settings are "));
  }
  assertEquals([stage.types, stage.timers], [[], 0]);
  const change = stage.requests.set({ amount: undefined });
  stage.requests.answered({ [CHANNEL_KEY.requestId]: stage.lastId! });
  await change;
  assertEquals(stage.requests.values, before);
});
