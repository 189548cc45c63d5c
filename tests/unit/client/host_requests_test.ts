import { assert, assertEquals, assertRejects } from "@std/assert";
import { Activity } from "../../../channel/activity.ts";
import { HostRequests } from "../../../client/host_requests.ts";
import { RequestQueue } from "../../../client/request_queue.ts";
import type { Message } from "../../../ffi/message.ts";
import { MAX_REQUESTS } from "../../../proto/limits.ts";
import { Bytes, defineFields, Float32 } from "../../../proto/mod.ts";
import { callSchemas } from "../../../proto/schema/json/declarations_json.ts";
import { setting } from "../../../proto/schema/settings.ts";
import { CHANNEL_KEY, CTRL_TYPE } from "../../../proto/wire/keys.ts";
import {
  double,
  uint64,
  type XpcDictionary,
} from "../../../proto/wire/xpc_value.ts";

const { requestId, values, name, request, error, code, reply } = CHANNEL_KEY;

/** A processor's requests, its answers, and what its functions were called with. */
class Stage {
  readonly answers: XpcDictionary[] = [];
  readonly called: unknown[] = [];
  readonly queue = new RequestQueue(new Activity());
  readonly requests = new HostRequests(
    {
      settings: { amount: setting(Float32, { default: 0.5, maximum: 1 }) },
      calls: {
        ask: callSchemas(
          "ask",
          defineFields({ data: Bytes }),
          defineFields({ data: Bytes }),
        ),
      },
    },
    {
      sendControl: (type, fields) => {
        if (type === CTRL_TYPE.answer) this.answers.push(fields);
      },
      framesSoFar: () => () => true,
    },
    this.queue,
    {
      settingsChanged: (changed) => void this.called.push(changed),
      call: (_, given, signal) => {
        this.called.push(given);
        return signal.aborted ? undefined : given;
      },
    },
  );

  hear(type: string, body: XpcDictionary, cost = 100): void {
    this.requests.receive(type, { body, cost } as Message);
  }

  /** The codes of the answers since the last call of this; "" for one without an error. */
  get codes(): unknown[] {
    return this.answers.splice(0).map((one) => one[code] ?? "");
  }
}

const ASK = { [name]: "ask", [request]: { data: new Uint8Array([1]) } };

Deno.test("a change is applied in its turn, told by name, and answered", async () => {
  const stage = new Stage();
  const { settings } = stage.requests;
  stage.hear(CTRL_TYPE.set, {
    [requestId]: uint64(1),
    [values]: { amount: double(1) },
  });
  assertEquals(settings.values["amount"], 0.5);
  await stage.queue.look(0);
  assertEquals(settings.values["amount"], 1);
  assertEquals(stage.called, [["amount"]]);
  assertEquals(stage.answers, [{ [requestId]: uint64(1) }]);
  stage.hear(CTRL_TYPE.set, {
    [requestId]: uint64(2),
    [values]: { amount: double(1) },
  });
  await stage.queue.look(0);
  assertEquals(stage.called.length, 1, "the value is the same");
});

Deno.test("what is not valid is refused at once, by name", () => {
  const stage = new Stage();
  const wrong: [type: string, body: XpcDictionary, words: string][] = [
    [CTRL_TYPE.set, {}, "settings: expected a dictionary"],
    [CTRL_TYPE.set, { [values]: { amount: double(2) } }, "settings.amount"],
    [CTRL_TYPE.set, { [values]: { other: double(2) } }, "'other'"],
    [CTRL_TYPE.call, {}, "has no call ''; it has ask"],
    [CTRL_TYPE.call, { [name]: "toString" }, "no call 'toString'"],
    [CTRL_TYPE.call, { [name]: "ask" }, "ask.request.data"],
    [CTRL_TYPE.call, { [name]: uint64(1) }, "has no call ''"],
  ];
  for (const [type, body, words] of wrong) {
    stage.hear(type, { ...body, [requestId]: uint64(1) });
    const answer = stage.answers.pop()!;
    assertEquals(answer[code], "bad_argument");
    assert(String(answer[error]).includes(words), String(answer[error]));
  }
  assertEquals(stage.queue.hasAny, false);
  // Without an id, nothing can be answered.
  stage.hear(CTRL_TYPE.call, ASK);
  stage.hear(CTRL_TYPE.cancel, { [requestId]: uint64(1) });
  stage.hear("other", { [requestId]: uint64(1) });
  assertEquals([stage.answers, stage.queue.hasAny], [[], false]);
});

Deno.test("a host that sends more than it may, in number or in bytes, is refused", async () => {
  const stage = new Stage();
  for (let id = 1; id <= MAX_REQUESTS + 3; id++) {
    stage.hear(CTRL_TYPE.call, { ...ASK, [requestId]: uint64(id) });
  }
  assertEquals(stage.codes, ["outbox_full", "outbox_full", "outbox_full"]);
  stage.hear(CTRL_TYPE.call, { ...ASK, [requestId]: uint64(1) });
  assertEquals(stage.codes, [], "an id that is in use");
  await stage.queue.look(0);
  assertEquals(stage.answers[0]?.[reply], { data: new Uint8Array([1]) });
  assertEquals(stage.codes, Array(MAX_REQUESTS).fill(""));
  for (const id of [1, 2]) {
    const body = { ...ASK, [requestId]: uint64(id) };
    stage.hear(CTRL_TYPE.call, body, 5 * 1024 * 1024);
  }
  assertEquals(stage.codes, ["outbox_full"]);
});

Deno.test("a call that is cancelled is not made, and not answered", async () => {
  const stage = new Stage();
  stage.hear(CTRL_TYPE.call, { ...ASK, [requestId]: uint64(1) });
  stage.hear(CTRL_TYPE.cancel, { [requestId]: uint64(1) });
  await stage.queue.look(0);
  assertEquals([stage.called, stage.answers], [[], []]);
});

Deno.test("a call that is cancelled while it runs is not answered, and one with its id is not made", async () => {
  const answers: XpcDictionary[] = [];
  const queue = new RequestQueue(new Activity());
  const going = Promise.withResolvers<object>();
  const signals: AbortSignal[] = [];
  const requests = new HostRequests(
    {
      settings: {},
      calls: { ask: callSchemas("ask", defineFields({}), defineFields({})) },
    },
    {
      sendControl: (_, fields) => void answers.push(fields),
      framesSoFar: () => () => true,
    },
    queue,
    {
      settingsChanged: () => {},
      call: (_name, _request, signal) => {
        signals.push(signal);
        return going.promise;
      },
    },
  );
  const hear = (type: string, id: number, fields: XpcDictionary = {}): void =>
    requests.receive(type, {
      body: { [requestId]: uint64(id), ...fields },
      cost: 1,
    } as unknown as Message);
  hear(CTRL_TYPE.call, 1, { [name]: "ask" });
  const running = queue.look(0);
  hear(CTRL_TYPE.call, 1, { [name]: "no such call" });
  assertEquals([signals.length, answers], [1, []], "its id is in use");
  hear(CTRL_TYPE.cancel, 1);
  assertEquals(signals[0]?.aborted, true);
  going.resolve({});
  await running;
  assertEquals(answers, []);
});

Deno.test("the first values come before setup, and end the wait", async () => {
  const stage = new Stage();
  const stop = new AbortController();
  const declared = stage.requests.declare(stop.signal);
  stage.hear(CTRL_TYPE.set, {
    [requestId]: uint64(1),
    [values]: { amount: double(0.25) },
  });
  await declared;
  assertEquals(stage.requests.settings.values["amount"], 0.25);
  assertEquals([stage.called, stage.codes], [[], [""]]);
  const other = new Stage();
  const waiting = other.requests.declare(stop.signal);
  stop.abort();
  await waiting;
});

Deno.test("what settingsChanged throws is the processor's", async () => {
  const queue = new RequestQueue(new Activity());
  const requests = new HostRequests(
    {
      settings: { amount: setting(Float32, { default: 0.5 }) },
      calls: {},
    },
    { sendControl: () => {}, framesSoFar: () => () => true },
    queue,
    {
      settingsChanged: () => {
        throw new RangeError("too much");
      },
      call: () => {},
    },
  );
  requests.receive(CTRL_TYPE.set, {
    body: { [requestId]: uint64(1), [values]: { amount: double(9) } },
    cost: 1,
  } as unknown as Message);
  await assertRejects(() => queue.look(0), RangeError, "too much");
});
