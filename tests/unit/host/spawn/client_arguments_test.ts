import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  absolutePermissions,
  clientArguments,
  type ClientLock,
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

Deno.test("permissions: a kind that does not exist, and what is no list, are refused by name", () => {
  const wrong: [given: Record<string, unknown>, says: string][] = [
    [{ reed: true }, "'reed': the kinds are read, "],
    [{ ffi: true }, "'ffi': the kinds are read, "],
    [{ read: false }, "'read': it is neither true nor a list"],
    [{ net: "example.com" }, "'net': it is neither true nor a list"],
    [{ env: [5] }, "'env': it is neither true nor a list"],
  ];
  for (const [given, says] of wrong) {
    const error = assertThrows(
      () => absolutePermissions(given, "/"),
      BridgeError,
      says,
    );
    assertEquals(error.code, "bad_argument");
  }
});

Deno.test("the arguments: lists are escaped, and the project is that of the module's folder", () => {
  const args = clientArguments(
    {
      module: new URL("file:///app/src/blur.ts"),
      name: "blur-left",
      runner: new URL("file:///lib/runner.ts"),
      grpcClient: undefined,
      permissions: { read: ["/a,b", "/c"] },
      config: undefined,
      inspect: undefined,
    },
    { STREAMLIB_CONNECTION_ID: "1" },
    ["MINE"],
    { path: "/tmp/lock", isCopy: true },
  );
  assert(args.includes("--allow-read=/a,,b,/c"));
  assert(
    args.includes(
      "--allow-env=STREAMLIB_CONNECTION_ID,STREAMLIB_LIBRARY,MINE",
    ),
  );
  assert(args.includes("--lock=/tmp/lock") && args.includes("--frozen=false"));
  assert(args.includes("--quiet"));
  assertEquals(args.slice(-3), [
    "file:///app/src/streamlib_client.ts",
    "blur-left",
    "/tmp/lock",
  ]);
  assertEquals(args.at(-5), "--preload");
});

Deno.test("the arguments: the code is the same for every client of a module", () => {
  const argumentsFor = (lock: string, id: string): string[] =>
    clientArguments(
      {
        module: new URL("file:///app/src/blur.ts"),
        name: "blur-left",
        runner: new URL("file:///lib/runner.ts"),
        grpcClient: undefined,
        permissions: {},
        config: undefined,
        inspect: undefined,
      },
      { STREAMLIB_CONNECTION_ID: id },
      [],
      { path: lock, isCopy: true },
    );
  const [one, two] = [argumentsFor("/tmp/1", "1"), argumentsFor("/tmp/2", "2")];
  const codeIn = (args: string[]): string | undefined =>
    args.find((arg) => arg.startsWith("data:"));
  assertEquals(codeIn(one), codeIn(two));
  assert(codeIn(one)?.startsWith("data:application/javascript,"));
  assertEquals(one.at(-1), "/tmp/1");
});

Deno.test("the arguments: a lock file that is no copy stays as it is, and is not the client's to remove", () => {
  const argumentsFor = (lock: ClientLock | undefined): string[] =>
    clientArguments(
      {
        module: new URL("file:///app/src/blur.ts"),
        name: "blur-left",
        runner: new URL("file:///lib/runner.ts"),
        grpcClient: undefined,
        permissions: {},
        config: undefined,
        inspect: undefined,
      },
      {},
      [],
      lock,
    );
  const own = argumentsFor({ path: "/app/deno.lock", isCopy: false });
  assertEquals(own.slice(3, 5), ["--lock=/app/deno.lock", "--frozen=true"]);
  assertEquals(own.slice(-2), [
    "file:///app/src/streamlib_client.ts",
    "blur-left",
  ]);
  assertEquals(argumentsFor(undefined)[3], "--no-lock");
});
