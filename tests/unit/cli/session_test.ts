import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { Invocation } from "../../../cli/command.ts";
import { CommandError } from "../../../cli/exit.ts";
import { openSession } from "../../../cli/session.ts";
import { BridgeError } from "../../../proto/errors.ts";

/** A command line whose every call fails with these details of gRPC. */
function failing(details: string): Pick<Invocation, "args" | "console"> {
  const client = {
    call: () =>
      Promise.reject(
        new BridgeError("broker_unreachable", "Cannot call", {
          cause: Object.assign(new Error(details), { details }),
        }),
      ),
    [Symbol.dispose]: () => {},
  };
  return {
    args: { get: () => "unix:/x/broker.grpc" },
    console: {
      connect: () => Promise.resolve(client),
      env: {
        get: (name: string) => name === "HOME" ? "/home/none" : undefined,
      },
      userRuntime: undefined,
      os: "linux",
    },
  } as unknown as Pick<Invocation, "args" | "console">;
}

Deno.test("a broker that is there and cannot be used: the doctor is advised, not another broker", async () => {
  const expected: [details: string, says: string, next: string][] = [
    [
      "connect EACCES /x/broker.grpc. Resolution note: ",
      "this user may not use that socket",
      "streamlib broker doctor",
    ],
    ["Deadline exceeded after 2s", "it is stopped", "streamlib broker doctor"],
    ["connect ENOENT /x", "no such socket", "streamlib broker install"],
  ];
  for (const [details, says, next] of expected) {
    const error = await assertRejects(
      () => openSession(failing(details)),
      CommandError,
      says,
    );
    assertEquals(error.message.includes("Resolution note"), false);
    assertStringIncludes(error.next, next);
  }
});
