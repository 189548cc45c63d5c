import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  absolutePermissions,
  clientArguments,
} from "../../../../host/spawn/client_arguments.ts";
import { BridgeError } from "../../../../proto/errors.ts";

Deno.test("permissions: paths are absolute, names of programs stay", () => {
  assertEquals(
    absolutePermissions({
      read: ["data", new URL("file:///a%20b/[x],y")],
      write: true,
      run: ["ffmpeg", "./tool"],
      net: ["a:1"],
    }, "/home/app"),
    {
      read: ["/home/app/data", "/a b/[x],y"],
      write: true,
      run: ["ffmpeg", "/home/app/tool"],
      net: ["a:1"],
    },
  );
  assertEquals(absolutePermissions({ read: ["data"] }, undefined), {
    read: ["data"],
  });
});

Deno.test("permissions: what cannot be an entry is refused", () => {
  for (
    const entry of [
      "",
      "a\nb",
      "a\0b",
      new URL("https://example.com/"),
      new URL("file:///a%zz"),
    ]
  ) {
    const error = assertThrows(
      () => absolutePermissions({ read: [entry] }, "/"),
      BridgeError,
    );
    assertEquals(error.code, "bad_argument");
  }
});

Deno.test("the arguments: lists are escaped, and the project is that of the module's folder", () => {
  const args = clientArguments(
    {
      module: new URL("file:///app/src/blur.ts"),
      runner: new URL("file:///lib/runner.ts"),
      grpcClient: undefined,
      permissions: { read: ["/a,b", "/c"] },
      config: undefined,
    },
    { STREAMLIB_CONNECTION_ID: "1" },
    ["MINE"],
    "/tmp/lock",
  );
  assert(args.includes("--allow-read=/a,,b,/c"));
  assert(
    args.includes(
      "--allow-env=STREAMLIB_CONNECTION_ID,STREAMLIB_LIBRARY,MINE",
    ),
  );
  assert(args.includes("--lock=/tmp/lock"));
  assertEquals(args.at(-1), "file:///app/src/streamlib_client.ts");
  assertEquals(args.at(-3), "--preload");
});
