import { assertEquals } from "@std/assert";
import { onlyVariables } from "../../helpers/child.ts";
import { permittedTest } from "../../helpers/permitted.ts";

const TESTS = new URL("../../", import.meta.url);

Deno.test("a program with variables of its own behaves as the run's libxpc", () => {
  const HOME = "/home/ada";
  const get = (name: string): string | undefined =>
    ({ STREAMLIB_LIBXPC: "macos", PATH: "/bin" })[name];
  assertEquals(onlyVariables({ HOME }, { get }), {
    clearEnv: true,
    env: { HOME, STREAMLIB_LIBXPC: "macos" },
  });
  assertEquals(onlyVariables({ HOME }, { get: () => undefined }).env, { HOME });
});

async function* modules(folder: URL): AsyncGenerator<URL> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) yield* modules(new URL(`${name}/`, folder));
    else if (name.endsWith(".ts")) yield new URL(name, folder);
  }
}

permittedTest(
  "no test empties the environment of a program in another way",
  { read: true },
  async () => {
    const found: string[] = [];
    for await (const module of modules(TESTS)) {
      const text = await Deno.readTextFile(module);
      if (/\bclearEnv:/.test(text)) {
        found.push(module.href.slice(TESTS.href.length));
      }
    }
    assertEquals(found.sort(), [
      "helpers/child.ts",
      "unit/helpers/child_test.ts",
    ]);
  },
);
