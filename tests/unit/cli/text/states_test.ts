import { assert, assertEquals } from "@std/assert";
import {
  pathText,
  stateStyle,
  whyNotReady,
} from "../../../../cli/text/states.ts";
import { matchRuntime, noSuchRuntime } from "../../../../cli/runtimes.ts";
import type {
  ConnectionInfo,
  RuntimeInfo,
} from "../../../../proto/broker_gen.ts";
import { DERIVED_STATES } from "../../../../proto/states/states.ts";

function connection(rest: Partial<ConnectionInfo>): ConnectionInfo {
  return {
    derived_state: "awaiting_client",
    failure_reason: "",
    age_secs: 5,
    timeout_secs: 300,
    ...rest,
  } as ConnectionInfo;
}

Deno.test("states: every one but ready has words of its own", () => {
  const words = DERIVED_STATES.map((derived_state) =>
    whyNotReady(connection({ derived_state }))
  );
  assertEquals(new Set(words).size, DERIVED_STATES.length);
  assertEquals(whyNotReady(connection({ derived_state: "ready" })), "");
  assertEquals(
    whyNotReady(connection({})),
    "the client's process has not been heard of; it fails in 4m55s",
  );
});

Deno.test("states: what carries frames is - until a side has said it, and with an old broker", () => {
  // A broker over XPC leaves out what it does not know.
  const of = ["lane", "dictionary", "", undefined].map(pathText);
  assertEquals(of, ["lane", "dictionary", "-", "-"]);
});

Deno.test("states: the reason of a failure, and a state that only a newer broker knows", () => {
  const failed = { derived_state: "failed" };
  assertEquals(
    whyNotReady(connection({ ...failed, failure_reason: "no GPU" })),
    "no GPU",
  );
  assertEquals(whyNotReady(connection(failed)), "no reason is known");
  assertEquals(
    whyNotReady(
      connection({ derived_state: "closed", failure_reason: "closed: bye" }),
    ),
    "closed: bye",
  );
  assert(
    whyNotReady(connection({ derived_state: "toString" }))
      .startsWith("toString; it fails in"),
  );
  assertEquals(
    ["ready", "failed", "awaiting_ack", "closed"].map(stateStyle),
    ["good", "bad", "waiting", "quiet"],
  );
});

Deno.test("runtimes: the id counts before the name, and the living before the dead", () => {
  const runtime = (
    runtime_id: string,
    name: string,
    status = "alive",
  ): RuntimeInfo => ({ runtime_id, name, status }) as RuntimeInfo;
  const all = [
    runtime("1", "camera", "dead"),
    runtime("2", "camera"),
    runtime("3", "camera", "dead"),
    runtime("camera", "other"),
    runtime("4", "stage", "dead"),
    runtime("5", "stage", "dead"),
  ];
  const found = (query: string): string | undefined =>
    matchRuntime(all, query)?.runtime_id;
  assertEquals(found("camera"), "camera");
  assertEquals(found("stage"), "5");
  assertEquals(
    matchRuntime(all.slice(0, 3), "camera")?.runtime_id,
    "2",
  );
  assertEquals(found("nobody"), undefined);
  assertEquals(
    noSuchRuntime("x", [runtime("1", "camera"), runtime("2", "")]).message,
    "Cannot find the runtime 'x': the broker knows 1 (camera), 2",
  );
  assert(noSuchRuntime("x", []).message.endsWith("knows none"));
  const many = Array.from({ length: 12 }, (_, i) => runtime(`${i}`, ""));
  assert(noSuchRuntime("x", many).message.endsWith("9, and 2 more"));
});
