import { assert, assertEquals } from "@std/assert";
import { permittedTest } from "../helpers/permitted.ts";

/**
 * What each room may import besides itself, by folder or file. The longest key
 * that a path starts with decides which room it is in. An entry with a comment
 * is an exception to the direction `proto` < `ffi` < `channel` < `broker`,
 * `host`, `client` < `demo`, `cli`.
 */
const ALLOWED: Record<string, readonly string[]> = {
  "proto/": [],
  "ffi/": ["proto/"],
  "channel/": ["ffi/", "proto/"],
  "broker/": ["ffi/", "proto/"],
  "host/": ["channel/", "ffi/", "host/assembly.ts", "proto/"],
  "client/": ["channel/", "ffi/", "proto/"],
  // Where host, client and broker are put together, once.
  "host/assembly.ts": [
    "host/",
    "broker/embedded.ts",
    "broker/grpc/grpc_client.ts",
    "client/runner.ts",
    "ffi/",
    "launchd/",
    "proto/",
  ],
  // Which shim a service is installed with, and what this process may read of its environment.
  "launchd/": ["ffi/environment.ts", "ffi/library/library.ts", "proto/"],
  // A program that uses the library as anyone would, and shows what was copied.
  "demo/": ["client/mod.ts", "host/mod.ts", "ffi/stats.ts"],
  // Talks to a broker over gRPC alone, and has no ffi.
  "cli/": [
    "broker/address.ts",
    "broker/grpc/grpc_client.ts",
    "broker/grpc/http2_guard.ts",
    "broker/log/log_record.ts",
    "broker/version.ts",
    "cli/doctor/probe/steps.ts",
    "cli/own_programs.ts",
    "ffi/clock.ts",
    "ffi/environment.ts",
    "launchd/",
    "proto/",
  ],
  // Names the programs with ffi that the command line runs beside itself.
  "cli/own_programs.ts": [
    "cli/doctor/probe/inverter.ts",
    "cli/doctor/probe/main.ts",
    "demo/filter/edges.ts",
    "demo/main.ts",
  ],
  // One of them: it tries each part by itself.
  "cli/doctor/probe/": ["client/mod.ts", "ffi/", "host/mod.ts", "proto/"],
  "mod.ts": ["client/mod.ts", "host/mod.ts"],
};

/** Packages, and the only places that may use them. `node:` is free. */
const PACKAGES: Record<string, RegExp> = {
  "@grpc/grpc-js": /^broker\/grpc\//,
  "protobufjs": /^broker\/grpc\//,
  "@std/cli/parse-args":
    /^(broker\/main_options|cli\/arguments|demo\/options)\.ts$/,
  "@std/cli/unicode-width": /^cli\/text\/text_width\.ts$/,
};

/** The rooms whose files are published. */
const ROOMS = [
  "broker/",
  "channel/",
  "cli/",
  "client/",
  "demo/",
  "ffi/",
  "host/",
  "launchd/",
  "proto/",
];

const root = new URL("../../", import.meta.url);

async function* sources(folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(new URL(folder, root))) {
    const path = `${folder}${entry.name}`;
    if (entry.isDirectory) yield* sources(`${path}/`);
    else if (path.endsWith(".ts")) yield path;
  }
}

/** The specifiers that a source imports, statically or not; comments do not count. */
function importsOf(source: string): string[] {
  const code = source
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/^\s*\/\/.*$/gm, "");
  const pattern =
    /(?:^|[\s;}])(?:import|export)\s[^;"'`]*?from\s*["']([^"']+)["']|(?:^|[\s;}])import\s*["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']/g;
  return [...code.matchAll(pattern)].map((m) => m[1] ?? m[2] ?? m[3] ?? "");
}

function roomOf(path: string): string {
  const rooms = Object.keys(ALLOWED).filter((room) => path.startsWith(room));
  return rooms.sort((a, b) => b.length - a.length)[0] ?? "";
}

function targetOf(path: string, specifier: string): string {
  return new URL(specifier, new URL(path, root)).href.slice(root.href.length);
}

/** Why an import is not allowed, if it is not. */
function violation(path: string, specifier: string): string | undefined {
  if (specifier.startsWith("node:")) return undefined;
  if (!specifier.startsWith(".")) {
    return PACKAGES[specifier]?.test(path)
      ? undefined
      : `${path} may not import the package ${specifier}`;
  }
  const target = targetOf(path, specifier);
  // Where the version is written, once, and where a build writes its commit.
  if (path === "broker/version.ts" && target === "deno.json") return undefined;
  if (
    path === "broker/build_stamp.ts" && target === "c/out/build_stamp.json"
  ) return undefined;
  const room = roomOf(path);
  const own = room.endsWith("/") && roomOf(target) === room;
  return own || ALLOWED[room]?.some((prefix) => target.startsWith(prefix))
    ? undefined
    : `${path} may not import ${target}`;
}

/** The circles of a graph, each as the files on it: imports of types count. */
function circlesOf(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const found: string[][] = [];
  const done = new Set<string>();
  const visit = (file: string, way: readonly string[]): void => {
    const at = way.indexOf(file);
    if (at >= 0) found.push([...way.slice(at), file]);
    if (at >= 0 || done.has(file)) return;
    for (const next of graph.get(file) ?? []) visit(next, [...way, file]);
    done.add(file);
  };
  for (const file of graph.keys()) visit(file, []);
  return found;
}

Deno.test("the import check sees what is not allowed", () => {
  assertEquals(violation("proto/wire/keys.ts", "../limits.ts"), undefined);
  assert(violation("proto/wire/keys.ts", "../../ffi/native.ts"));
  assert(violation("ffi/native.ts", "../channel/channel.ts"));
  assert(violation("host/bridge.ts", "../broker/broker.ts"));
  assert(violation("client/bridge.ts", "../host/mod.ts"));
  assert(violation("ffi/native.ts", "@grpc/grpc-js"));
  assert(violation("broker/main.ts", "../cli/cli.ts"));
  assert(violation("cli/cli.ts", "../broker/broker.ts"));
  assert(violation("host/bridge.ts", "../tools/c/build.ts"));
  assertEquals(
    violation("cli/session.ts", "../broker/log/log_record.ts"),
    undefined,
  );
  assertEquals(
    importsOf(
      `import { a } from "./a.ts";\nexport * from './b.ts';\nawait import("./c.ts");\n// import "./d.ts"\nimport "./e.ts";`,
    ),
    ["./a.ts", "./b.ts", "./c.ts", "./e.ts"],
  );
});

Deno.test("the import check sees a circle", () => {
  const graph = new Map([["a", ["b", "c"]], ["b", ["c"]], ["c", ["d"]]]);
  assertEquals(circlesOf(graph), []);
  graph.set("d", ["b"]);
  assertEquals(circlesOf(graph), [["b", "c", "d", "b"]]);
});

permittedTest("no arrow of the import graph points the wrong way", {
  read: true,
}, async () => {
  const wrong: string[] = [];
  let files = 0;
  for (const room of ROOMS) {
    for await (const path of sources(room)) {
      files++;
      const source = await Deno.readTextFile(new URL(path, root));
      for (const specifier of importsOf(source)) {
        const found = violation(path, specifier);
        if (found) wrong.push(found);
      }
    }
  }
  assert(files > 50, `only ${files} files were read`);
  assertEquals(wrong, []);
});

permittedTest("the import graph has no circle, types included", {
  read: true,
}, async () => {
  const graph = new Map<string, string[]>();
  for (const folder of [...ROOMS, "tests/", "tools/"]) {
    for await (const path of sources(folder)) {
      const source = await Deno.readTextFile(new URL(path, root));
      graph.set(
        path,
        importsOf(source).filter((specifier) => specifier.startsWith("."))
          .map((specifier) => targetOf(path, specifier)),
      );
    }
  }
  assert(graph.size > 300, `only ${graph.size} files were read`);
  assertEquals(circlesOf(graph), []);
});
