import { assertEquals } from "@std/assert";
import { connectionCause } from "../../../../broker/grpc/connection_cause.ts";

Deno.test("of a connection that failed, the system's words are told", () => {
  assertEquals(
    connectionCause(
      "No connection established. Last error: Error: connect ECONNREFUSED /run/b.grpc. Resolution note: ",
    ),
    "connect ECONNREFUSED /run/b.grpc",
  );
  assertEquals(
    connectionCause("Deadline exceeded after 2s"),
    "Deadline exceeded after 2s",
  );
});
