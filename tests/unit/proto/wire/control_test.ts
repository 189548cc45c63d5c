import { assertEquals, assertThrows } from "@std/assert";
import { BridgeError } from "../../../../proto/errors.ts";
import {
  checkedResponse,
  toDictionary,
} from "../../../../proto/wire/control.ts";
import {
  uint64,
  type XpcDictionary,
} from "../../../../proto/wire/xpc_value.ts";

Deno.test("a response with lists comes back as it was sent", () => {
  const health = {
    healthy: true,
    status: "healthy",
    uptime_secs: 7,
    quotas: [{
      name: "connections",
      used: 1,
      limit: 2,
      process_limit: 3,
      fullest_pid: 4,
      fullest_used: 5,
    }],
    refused_count: 0,
    silent_count: 0,
    over_budget_count: 0,
    malformed_count: 0,
  };
  assertEquals(checkedResponse("GetHealth", toDictionary(health), "x"), health);
  const pruned = { pruned_count: 2, pruned_names: ["a", ""] };
  assertEquals(
    checkedResponse("PruneDeadRuntimes", toDictionary(pruned), "x"),
    pruned,
  );
});

Deno.test("in the messages of a list every field is present, and a list always", () => {
  const body = { connections: [{ connection_id: "a" }] };
  const { connections: [only] } = checkedResponse("ListConnections", body, "x");
  assertEquals(
    [only?.connection_id, only?.runtime_id, only?.frames_transferred],
    ["a", "", 0],
  );
  const answer = checkedResponse("ReadLogs", { next: uint64(1) }, "x");
  assertEquals([answer.records, answer.next], [[], 1]);
});

Deno.test("a response whose list is none is refused, with the field and what was found", () => {
  const table: [body: XpcDictionary, words: string][] = [
    [{ connections: "all" }, "'connections' is \"all\", not an array"],
    [{ connections: [7n as never] }, "'connections' is "],
    [{ connections: ["a"] }, "'connections' is \"a\", not a dictionary"],
    [{ connections: [[]] }, "not a dictionary"],
    [{ connections: [new Uint8Array(1)] }, "not a dictionary"],
    [
      { connections: [{ connection_id: true }] },
      "'connection_id' is true, not a string",
    ],
    [{ connections: [{ age_secs: "1" }] }, "'age_secs' is \"1\", not a number"],
    [{ other: true }, "it has none of the fields connections"],
  ];
  for (const [body, words] of table) {
    const error = assertThrows(
      () => checkedResponse("ListConnections", body, "com.example.x"),
      BridgeError,
      words,
    );
    assertEquals(error.code, "malformed_message");
  }
  assertThrows(
    () =>
      checkedResponse("PruneDeadRuntimes", {
        pruned_count: uint64(0),
        pruned_names: [uint64(1)],
      }, "x"),
    BridgeError,
    "'pruned_names' is 1, not a string",
  );
});
