import { assertEquals, assertThrows } from "@std/assert";
import type {
  LaunchPlace,
  SpawnOptions,
} from "../../../../host/spawn/client_kind.ts";
import { takeEnvironment } from "../../../../host/spawn/client_environment.ts";
import { denoClient } from "../../../../host/spawn/deno_client.ts";
import { pythonClient } from "../../../../host/spawn/python_client.ts";
import { BridgeError } from "../../../../proto/errors.ts";

const PLACE: LaunchPlace = { folder: "/home/app", variable: () => undefined };

function options(
  module: string,
  changes: Partial<SpawnOptions> = {},
): SpawnOptions {
  return {
    module: new URL(module),
    name: "blur-left",
    runner: new URL("file:///lib/runner.ts"),
    grpcClient: undefined,
    permissions: undefined,
    userEnv: {},
    deno: undefined,
    config: undefined,
    output: () => {},
    ...changes,
  };
}

Deno.test("the kinds: an option of the other kind is refused, with what to do", () => {
  const wrong: [changes: Partial<SpawnOptions>, name: string][] = [
    [{ config: "./deno.json" }, "config"],
    [{ deno: "deno" }, "deno"],
    [{ inspect: true }, "inspect"],
    [{ inspect: "127.0.0.1:9229" }, "inspect"],
  ];
  for (const [changes, name] of wrong) {
    const error = assertThrows(
      () => pythonClient(options("file:///app/blur.py", changes), PLACE),
      BridgeError,
      `Cannot launch file:///app/blur.py with the option \`${name}\``,
    );
    assertEquals(error.code, "bad_argument");
  }
  pythonClient(options("file:///app/blur.py", { inspect: false }), PLACE);
  const error = assertThrows(
    () => denoClient(options("file:///app/blur.ts", { python: "uv" }), PLACE),
    BridgeError,
    "Cannot launch file:///app/blur.ts with the option `python`",
  );
  assertEquals(error.code, "bad_argument");
});

Deno.test("a Python module must be a local file, and its interpreter a path or a name", () => {
  const refused = (
    module: string,
    changes: Partial<SpawnOptions>,
    says: string,
  ): void => {
    const error = assertThrows(
      () => pythonClient(options(module, changes), PLACE),
      BridgeError,
      says,
    );
    assertEquals(error.code, "bad_argument");
  };
  refused("https://example.com/blur.py", {}, "must be a local file");
  refused(
    "file:///app/blur.py",
    { python: "" },
    "Cannot use python: it is empty",
  );
  refused("file:///app/blur.py", { python: "a\n/b" }, "control characters");
});

Deno.test("permissions of a Python client are never ignored: what nothing keeps to is refused", () => {
  // Where no client can be confined, that is the reason for each.
  for (
    const permissions of [{ env: ["A"] }, { sys: true }, {
      net: ["a:1"],
    }] as const
  ) {
    const error = assertThrows(
      () =>
        pythonClient(options("file:///app/blur.py", { permissions }), PLACE),
      BridgeError,
      "Cannot confine",
    );
    assertEquals(error.code, "not_permitted");
  }
});

Deno.test("the environment: what steers an interpreter is not set by accident, some of it on purpose", () => {
  for (const name of ["PYTHONHOME", "PYTHONSTARTUP", "PYTHON_JIT"]) {
    const error = assertThrows(
      () => takeEnvironment({ [name]: "1" }, "python"),
      BridgeError,
      `the variable "${name}"`,
    );
    assertEquals(error.code, "bad_argument");
  }
  const given = { PYTHONPATH: "/lib", PYTHONHASHSEED: "0", HTTP_PROXY: "p:1" };
  const env = takeEnvironment(given, "python");
  for (const [name, value] of Object.entries(given)) {
    assertEquals(env[name], value);
  }
  assertEquals(env["NO_COLOR"], "1");
  assertEquals(env["DENO_NO_UPDATE_CHECK"], undefined);
  assertEquals(takeEnvironment({})["DENO_NO_UPDATE_CHECK"], "1");
});
