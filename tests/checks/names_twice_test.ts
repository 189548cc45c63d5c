import { assertEquals } from "@std/assert";
import { permittedTest } from "../helpers/permitted.ts";

/** One name has one meaning in the whole tree: see docs/vocabulary.md. */
const ROOMS = [
  "broker",
  "channel",
  "cli",
  "client",
  "demo",
  "ffi",
  "host",
  "launchd",
  "proto",
  "testing",
  "tools",
];

/** Names that have the same meaning in several files, each with the reason. */
const SAME: Readonly<Record<string, string>> = {
  PREBUILT: "one module a system, all of the same shape",
};

const root = new URL("../../", import.meta.url);

const DEFINITION =
  /^export (?:declare )?(?:abstract )?(?:async )?(?:const|let|function\*?|class|interface|type|enum) (\w+)/gm;

async function* sources(folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(new URL(folder, root))) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) yield* sources(path);
    else if (path.endsWith(".ts")) yield path;
  }
}

/** The names that more than one file exports, with those files. */
function twice(files: ReadonlyMap<string, string>): Record<string, string[]> {
  const found = new Map<string, Set<string>>();
  for (const [path, source] of files) {
    // A template string may contain the text of a generated module; its exports are not those of this file.
    const code = source.replace(/`[^`]*`/g, "``");
    for (const [, name = ""] of code.matchAll(DEFINITION)) {
      found.set(name, (found.get(name) ?? new Set()).add(path));
    }
  }
  return Object.fromEntries(
    [...found].filter(([name, paths]) => paths.size > 1 && !(name in SAME))
      .map(([name, paths]) => [name, [...paths]]),
  );
}

Deno.test("the check of names sees one that is defined twice", () => {
  const files = new Map([
    ["a.ts", "export class Shim {}\nexport const A = 1;"],
    ["b.ts", "export interface Shim {}\nconst A = 2;"],
    ["c.ts", "const text = `\nexport const A = 3;`;"],
  ]);
  assertEquals(twice(files), { Shim: ["a.ts", "b.ts"] });
});

permittedTest("no exported name is defined twice", { read: true }, async () => {
  const files = new Map<string, string>();
  for (const room of ROOMS) {
    for await (const path of sources(room)) {
      files.set(path, await Deno.readTextFile(new URL(path, root)));
    }
  }
  assertEquals(twice(files), {});
});
