import { assertEquals, assertThrows } from "@std/assert";
import {
  type DemoOptions,
  DemoUsageError,
  readDemoOptions,
} from "../../../demo/options.ts";

const read = (...args: string[]): DemoOptions =>
  readDemoOptions(args) as DemoOptions;

Deno.test("--preview takes a port, or none, and no argument that is not its own", () => {
  assertEquals(read().preview, undefined);
  assertEquals(read("--preview").preview, 0);
  assertEquals(read("--preview=8080").preview, 8080);
  const { preview, frames, json } = read(
    "--preview",
    "--frames",
    "5",
    "--json",
  );
  assertEquals([preview, frames, json], [0, 5, true]);
  for (const value of ["65536", "-1", "x", "80x", "1.5"]) {
    assertThrows(
      () => read(`--preview=${value}`),
      DemoUsageError,
      "--preview takes a port from 0 to 65535",
    );
  }
  assertThrows(
    () => read("--preview="),
    DemoUsageError,
    "--preview needs a value",
  );
  assertThrows(() => read("--preview", "8080"), DemoUsageError, "8080");
});
