import type { GrpcClient } from "../../../broker/grpc/grpc_client.ts";
import type { Invocation } from "../../../cli/command.ts";
import { BridgeError } from "../../../proto/errors.ts";
import { CommandError } from "../../../cli/exit.ts";
import { PROTOCOL_VERSION } from "../../../proto/wire/keys.ts";
import { TestConsole } from "../../helpers/cli.ts";
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { names } from "../../../proto/names.ts";
import { openSession } from "../../../cli/session.ts";
import { permittedTest } from "../../helpers/permitted.ts";

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
      giveUp: () => {},
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

permittedTest(
  "session: the first call waits for an installed broker, which it may start, longer than for one that runs",
  { read: true, write: true, env: true },
  async () => {
    const home = await Deno.makeTempDir();
    try {
      const console = new TestConsole();
      console.env.set("HOME", home);
      const limits: number[] = [];
      console.connect = () =>
        Promise.resolve({
          call: (
            _: string,
            __: unknown,
            { timeoutMs }: { timeoutMs: number },
          ) => {
            limits.push(timeoutMs);
            return Promise.resolve({ protocol_version: PROTOCOL_VERSION });
          },
          [Symbol.dispose]: () => {},
        } as unknown as GrpcClient);
      const open = async (endpoint?: string): Promise<void> => {
        const args = { get: () => endpoint } as unknown as Parameters<
          typeof openSession
        >[0]["args"];
        using _ = await openSession({ args, console });
      };
      await open();
      const { plistFile, systemdDirectory, systemdSocketUnit } = names(
        console.env,
      );
      const file = plistFile ?? `${systemdDirectory}/${systemdSocketUnit}`;
      await Deno.mkdir(file.replace(/\/[^/]*$/, ""), { recursive: true });
      await Deno.writeTextFile(file, "");
      await open();
      await open("127.0.0.1:50051");
      assertEquals(limits, [5_000, 30_000, 5_000]);
    } finally {
      await Deno.remove(home, { recursive: true });
    }
  },
);
