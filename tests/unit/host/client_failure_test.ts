import { assertEquals } from "@std/assert";
import { exitFailure, reportedFailure } from "../../../host/client_failure.ts";
import { clientArguments } from "../../../host/spawn/client_arguments.ts";

const RUNNER = new URL("../../../client/runner.ts", import.meta.url);

/** A line of a stack in the module with which a client starts, as Deno shortens it. */
function firstModuleLine(): string {
  const args = clientArguments(
    {
      module: new URL("file:///user/blur.ts"),
      name: "blur.ts",
      runner: RUNNER,
      grpcClient: undefined,
      permissions: {},
      config: undefined,
      inspect: undefined,
    },
    {},
    [],
    undefined,
  );
  const code = args.find((arg) => arg.startsWith("data:"))!;
  return `    at async ${code.slice(0, 48)}......${code.slice(-20)}:2:1`;
}

function reasonFor(...places: string[]): string {
  const stack = ["TypeError: no such file", ...places].join("\n");
  const body = { error: "TypeError: no such file", stack };
  return reportedFailure(body, "awaiting_started", "").reason;
}

Deno.test("a report names the place in the user's code, and no place of this package", () => {
  const own = [`    at async runClient (${RUNNER}:66:5)`, firstModuleLine()];
  const plain = "the client failed: TypeError: no such file";
  assertEquals(reasonFor(...own), plain);
  const user = "    at f (file:///user/blur.ts:3:9)";
  assertEquals(reasonFor(own[0]!, user, own[1]!), `${plain}\n${user}`);
});

Deno.test("an exit before the channel has the code of the client's last line, whatever its name is", () => {
  const codeOf = (name: string, ...lines: string[]): string => {
    const exit = { code: 1, signal: null, stderrTail: lines.join("\n") };
    return exitFailure(exit, name, "awaiting_hello", "", undefined).code;
  };
  const line = "streamlib client: a: b (c): bad_argument: no\nmore: of it";
  assertEquals(codeOf("a: b (c)", "printed", line), "bad_argument");
  assertEquals(codeOf("a: b (c)", line, "aborted: no"), "bad_argument");
  assertEquals(codeOf("a", line), "client_failed");
  const later = "streamlib client: a: b (c): warning: late";
  assertEquals(codeOf("a: b (c)", line, later), "client_failed");
});
