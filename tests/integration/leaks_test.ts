import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Listener } from "../../ffi/listener.ts";
import { Native } from "../../ffi/native.ts";
import { NativeSurface } from "../../ffi/surface.ts";
import { statusOf } from "../helpers/child.ts";
import { isolatedHome } from "../helpers/home.ts";
import {
  type Inventory,
  leavesNothing,
  leftovers,
  xpcObjects,
} from "../helpers/leaks.ts";
import { nativeLeavesNothing } from "../helpers/native_leaks.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { until } from "../helpers/soon.ts";

/** Tests the leak checker: each kind of resource is left on purpose. */
const NEEDS = {
  run: true,
  read: true,
  write: true,
  env: true,
  linux: "/proc",
} as const;
/** How long the checker waits for a release. In these tests there is none. */
const SETTLE_MS = 200;

async function found(
  leave: () =>
    | Disposable
    | AsyncDisposable
    | Promise<Disposable>,
): Promise<string> {
  using home = isolatedHome();
  const objects = xpcObjects();
  let message: string;
  {
    await using stack = new AsyncDisposableStack();
    const error = await assertRejects(
      () =>
        leavesNothing(home.runDirectory, async () => {
          stack.use(await leave());
        }, SETTLE_MS),
      Error,
      "Something is left",
    );
    message = error.message;
  }
  // The next test must not count them among what was there before.
  await until("what was left is released", () => xpcObjects() <= objects);
  return message;
}

permittedTest(
  "the leak checker finds nothing where nothing is left",
  NEEDS,
  async () => {
    using home = isolatedHome();
    await leavesNothing(home.runDirectory, async () => {
      using native = Native.open();
      using surface = NativeSurface.create(native, 8, 8, "rgba8");
      const pixels = surface.open();
      new Uint8Array(pixels).fill(1);
      surface.close(pixels);
      await Promise.resolve();
    });
  },
);

permittedTest(
  "the leak checker finds a native object, its XPC object and its mapping",
  NEEDS,
  async () => {
    const message = await found(() => {
      const stack = new DisposableStack();
      const native = stack.use(Native.open());
      const surface = stack.use(NativeSurface.create(native, 8, 8, "rgba8"));
      const pixels = surface.open();
      new Uint8Array(pixels).fill(1);
      surface.close(pixels);
      return stack;
    });
    for (
      const kind of [
        "native_objects: 0 before",
        "xpc_objects",
        "mapped_surfaces",
        "mappings",
        "descriptors",
      ]
    ) assertStringIncludes(message, kind);
  },
);

permittedTest(
  "the leak checker finds a named service's socket",
  NEEDS,
  async () => {
    const message = await found(() => {
      const stack = new DisposableStack();
      const native = stack.use(Native.open());
      const listener = stack.use(
        Listener.ofService(native, "com.example.left"),
      );
      listener.activate({ peer: () => {}, ended: () => {} });
      return stack;
    });
    assertStringIncludes(message, "run_files: com.example.left.xpc");
  },
);

permittedTest("the leak checker finds a subprocess", NEEDS, async () => {
  const message = await found(() => {
    const child = new Deno.Command("sleep", { args: ["3600"] }).spawn();
    return {
      [Symbol.asyncDispose]: async () => {
        child.kill("SIGKILL");
        await statusOf(child, "its end");
      },
    };
  });
  assertStringIncludes(message, "subprocesses: ");
});

permittedTest("the leak checker finds a file that is open", NEEDS, async () => {
  const message = await found(async () => await Deno.open("/etc/hostname"));
  assertStringIncludes(message, "descriptors: /etc/hostname");
});

Deno.test("the leak checker of tests with ffi alone finds a native object", async () => {
  using stack = new DisposableStack();
  const error = await assertRejects(
    () =>
      nativeLeavesNothing(async () => {
        const native = stack.use(Native.open());
        stack.use(NativeSurface.create(native, 8, 8, "rgba8"));
        await Promise.resolve();
      }, SETTLE_MS),
    Error,
    "Something is left",
  );
  assertStringIncludes(error.message, "live: ");
});

Deno.test("leftovers counts, and tells one descriptor from two of the same name", () => {
  const none: Inventory = {
    native_objects: 0,
    xpc_objects: 0,
    mapped_surfaces: 0,
    descriptors: ["socket:[N]"],
    mappings: 0,
    subprocesses: [],
    run_files: [],
  };
  assertEquals(leftovers(none, none), []);
  assertEquals(
    leftovers(none, { ...none, descriptors: ["socket:[N]", "socket:[N]"] }),
    ["descriptors: socket:[N]"],
  );
  assertEquals(leftovers({ ...none, mappings: 2 }, none), []);
});
