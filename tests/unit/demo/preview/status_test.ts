import { assertEquals } from "@std/assert";
import type { GetConnectionInfoResponse } from "../../../../host/mod.ts";
import { states, steps } from "../../../../demo/preview/status.ts";

function info(
  fields: Partial<GetConnectionInfoResponse>,
): GetConnectionInfoResponse {
  return {
    found: true,
    host_state: "alive",
    client_state: "pending",
    derived_state: "awaiting_client",
    failure_reason: "",
    first_endpoint_request_at_unix_ms: 0,
    endpoint_delivered_at_unix_ms: 0,
    client_acked_at_unix_ms: 0,
    ...fields,
  } as GetConnectionInfoResponse;
}

Deno.test("steps that were not taken have no time", () => {
  const all = steps({
    times: {},
    info: undefined,
    launchedAt: 1000,
    firstFrameMs: undefined,
  });
  assertEquals(all.length, 10);
  assertEquals(new Set(all.map(({ at_ms }) => at_ms)), new Set([null]));
  const some = steps({
    times: { allocated: 12.5 },
    info: info({}),
    launchedAt: 1000,
    firstFrameMs: undefined,
  });
  assertEquals(some.map(({ at_ms }) => at_ms).slice(0, 5), [
    12.5,
    null,
    null,
    null,
    null,
  ]);
});

Deno.test("the host's and the broker's times are in one order", () => {
  const all = steps({
    times: {
      allocated: 10.5,
      stored: 12.5,
      spawned: 15.25,
      hello: 97.5,
      acked: 99.5,
      started: 110.5,
    },
    info: info({
      first_endpoint_request_at_unix_ms: 1090,
      endpoint_delivered_at_unix_ms: 1091,
      // It really happened at 97.9, but the broker counts whole milliseconds.
      client_acked_at_unix_ms: 1097,
    }),
    launchedAt: 1000,
    firstFrameMs: 120,
  });
  assertEquals(
    all.map(({ side, at_ms }) => [side, at_ms]),
    [
      ["host", 10.5],
      ["host", 12.5],
      ["host", 15.25],
      ["client", 90],
      ["client", 91],
      ["host", 97.5],
      ["client", 97.5],
      ["host", 99.5],
      ["host", 110.5],
      ["host", 120],
    ],
  );
});

Deno.test("states come with what they wait for, or with the failure", () => {
  assertEquals(states(undefined).why, "the host looks for a broker");
  assertEquals(states(info({ found: false })).host_state, "pending");
  assertEquals(
    states(info({})).why,
    "the client's process has not been heard of",
  );
  assertEquals(states(info({ derived_state: "ready" })).why, "");
  assertEquals(
    states(info({ derived_state: "failed", failure_reason: "no GPU" })).why,
    "no GPU",
  );
  // A newer broker may report other states.
  assertEquals(states(info({ derived_state: "asleep" })).why, "asleep");
});
