import { assert, assertEquals } from "@std/assert";
import config from "../../deno.json" with { type: "json" };
import { FOUND_BY_URL } from "../../tools/package/bundle.ts";
import { permittedTest } from "../helpers/permitted.ts";

/**
 * The folders and files that each room may import besides itself. A path is in
 * the room whose key is its longest prefix. An entry with a comment
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
  // The only place that joins host, client and broker.
  "host/assembly.ts": [
    "host/",
    "broker/embedded.ts",
    "broker/grpc_loader.ts",
    "client/runner.ts",
    "ffi/",
    "launchd/",
    "proto/",
  ],
  // For the path of the shim that a service is installed with, and for reading the environment with few permissions.
  "launchd/": [
    "ffi/environment.ts",
    "ffi/library/library.ts",
    "ffi/private_files.ts",
    "proto/",
  ],
  // A program that uses the library as a user does; it also writes pictures as a host does, shows the counters of copied bytes, writes its results as the command line does, escapes the text of files and of ffmpeg, and finds its own modules in the bundle too.
  // Its processor in Python is found as the client's part is.
  "demo/": [
    "client/mod.ts",
    "host/crash/png.ts",
    "host/mod.ts",
    "host/spawn/python/python_folder.ts",
    "ffi/file_size_limit.ts",
    "ffi/output.ts",
    "ffi/stats.ts",
    "proto/escape.ts",
    "proto/package_root.ts",
  ],
  // Calls the broker over gRPC and does not use ffi, except through cli/tree/. Loads a processor's module in its project, with the Python of a host, as a host does.
  "cli/": [
    "broker/address.ts",
    "broker/grpc/grpc_client.ts",
    "broker/grpc/http2_guard.ts",
    "broker/log/log_record.ts",
    "broker/version.ts",
    "cli/doctor/probe/steps.ts",
    "cli/own_programs.ts",
    "cli/tree/",
    "ffi/clock.ts",
    "ffi/environment.ts",
    "ffi/file_size_limit.ts",
    "ffi/output.ts",
    "host/spawn/beside_module.ts",
    "host/spawn/client_project.ts",
    "host/spawn/python/",
    "launchd/",
    "proto/",
  ],
  // What the command line does with ffi in its own process: a bootstrap with a broker, and calls to the broker of the one that it is in. See LOADED_LATE.
  "cli/tree/": [
    "broker/broker.ts",
    "cli/terminal/console.ts",
    "ffi/",
    "proto/",
  ],
  // Names the programs with ffi that the command line runs as other processes.
  "cli/own_programs.ts": [
    "cli/doctor/probe/contact.ts",
    "cli/doctor/probe/main.ts",
    "demo/main.ts",
    "proto/",
  ],
  // One of these programs: it tests each part of the bridge separately.
  "cli/doctor/probe/": ["client/mod.ts", "ffi/", "host/mod.ts", "proto/"],
  // A processor runs in its test on both sides' own code: the ports and the loops of a client, and what a host agrees on, asks and drains.
  "testing/": [
    "channel/",
    "client/",
    "ffi/",
    "host/agreement.ts",
    "host/asking.ts",
    "host/client_requests.ts",
    "host/drain.ts",
    "proto/",
  ],
  // Written as a user would: with the public entries alone, see PACKAGES.
  "examples/": [],
  "mod.ts": ["client/mod.ts", "host/mod.ts"],
};

/** Packages, each with the only files that may import it. Any file may import `node:` modules. */
const PACKAGES: Record<string, RegExp> = {
  "@grpc/grpc-js": /^broker\/grpc\//,
  "protobufjs": /^broker\/grpc\//,
  "@std/cli/parse-args":
    /^(broker\/main_options|cli\/arguments|demo\/options)\.ts$/,
  "@std/cli/unicode-width": /^cli\/text\/text_width\.ts$/,
  "@std/assert": /^examples\/.*_test\.ts$/,
  "onnxruntime-web/wasm": /^examples\/detector\/(find|host)\.ts$/,
  "@streamlib/bridge/client": /^examples\//,
  "@streamlib/bridge/host": /^examples\//,
  "@streamlib/bridge/testing": /^examples\/.*_test\.ts$/,
};

/**
 * Rooms that others import only when they use them: `import()`, and no other form but
 * for types. A command without ffi runs before anything of it is loaded.
 */
const LOADED_LATE: readonly string[] = ["cli/tree/"];

/** The rooms whose files are published, and the examples. */
const ROOMS = [
  "broker/",
  "channel/",
  "cli/",
  "client/",
  "demo/",
  "examples/",
  "ffi/",
  "host/",
  "launchd/",
  "proto/",
  "testing/",
];

const root = new URL("../../", import.meta.url);

async function* sources(folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(new URL(folder, root))) {
    const path = `${folder}${entry.name}`;
    if (entry.isDirectory) yield* sources(`${path}/`);
    else if (path.endsWith(".ts")) yield path;
  }
}

/** A source without its comments. */
function codeOf(source: string): string {
  return source
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/^\s*\/\/.*$/gm, "");
}

/** The specifiers that a source imports, statically or not; comments do not count. */
function importsOf(source: string): string[] {
  const code = codeOf(source);
  const pattern =
    /(?:^|[\s;}])(?:import|export)\s[^;"'`]*?from\s*["']([^"']+)["']|(?:^|[\s;}])import\s*["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']/g;
  return [...code.matchAll(pattern)].map((m) => m[1] ?? m[2] ?? m[3] ?? "");
}

/** The specifiers that a source imports when it is loaded. */
function earlyImportsOf(source: string): string[] {
  return importsOf(
    source.replace(/\bimport\s*\(/g, "").replace(
      /(^|[\s;}])(import|export)\s+type\s[^;]*?from\s*["'][^"']+["']/g,
      "$1",
    ),
  );
}

function roomOf(path: string): string {
  const rooms = Object.keys(ALLOWED).filter((room) => path.startsWith(room));
  return rooms.sort((a, b) => b.length - a.length)[0] ?? "";
}

function targetOf(path: string, specifier: string): string {
  return new URL(specifier, new URL(path, root)).href.slice(root.href.length);
}

/** Returns why an import is not allowed; `undefined` if it is. */
function violation(path: string, specifier: string): string | undefined {
  if (specifier.startsWith("node:")) return undefined;
  if (!specifier.startsWith(".")) {
    return PACKAGES[specifier]?.test(path)
      ? undefined
      : `${path} may not import the package ${specifier}`;
  }
  const target = targetOf(path, specifier);
  // The file with the version, and the file into which a build writes its commit.
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

/** Returns the cycles of a graph, each as its list of files. Imports of types count. */
function cyclesOf(graph: ReadonlyMap<string, readonly string[]>): string[][] {
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
  assert(violation("examples/tee/host.ts", "../../host/mod.ts"));
  assert(violation("examples/tee/host.ts", "@streamlib/bridge/testing"));
  assert(violation("testing/processor_run.ts", "../host/supervisor.ts"));
  assert(violation("client/loops.ts", "../testing/mod.ts"));
  assert(violation("demo/main.ts", "@streamlib/bridge/host"));
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
  assertEquals(
    earlyImportsOf(
      `import { a } from "./a.ts";\nimport type { B } from "./b.ts";\nawait import("./c.ts");`,
    ),
    ["./a.ts"],
  );
});

Deno.test("the import check sees a cycle", () => {
  const graph = new Map([["a", ["b", "c"]], ["b", ["c"]], ["c", ["d"]]]);
  assertEquals(cyclesOf(graph), []);
  graph.set("d", ["b"]);
  assertEquals(cyclesOf(graph), [["b", "c", "d", "b"]]);
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

permittedTest("what needs ffi in the command line is loaded late", {
  read: true,
}, async () => {
  const early: string[] = [];
  for (const room of LOADED_LATE) {
    for await (const path of sources("cli/")) {
      if (path.startsWith(room)) continue;
      const source = await Deno.readTextFile(new URL(path, root));
      for (const specifier of earlyImportsOf(source)) {
        if (targetOf(path, specifier).startsWith(room)) early.push(path);
      }
    }
  }
  assertEquals(early, []);
});

permittedTest("a client loads nothing of Node's when it is loaded", {
  read: true,
}, async () => {
  const seen = new Set(["client/runner.ts", "client/mod.ts"]);
  for (const path of seen) {
    const source = await Deno.readTextFile(new URL(path, root));
    for (const specifier of earlyImportsOf(source)) {
      assert(specifier.startsWith("."), `${path} imports ${specifier}`);
      seen.add(targetOf(path, specifier));
    }
  }
  assert(seen.size > 50, `only ${seen.size} files were read`);
});

permittedTest("the import graph has no cycle, types included", {
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
  assertEquals(cyclesOf(graph), []);
});

permittedTest("what is found by its URL is found in the bundle too", {
  read: true,
}, async () => {
  const found = new Set<string>();
  const wrong: string[] = [];
  for (const room of ROOMS.filter((room) => room !== "examples/")) {
    for await (const path of sources(room)) {
      const code = codeOf(await Deno.readTextFile(new URL(path, root)));
      for (const [, module] of code.matchAll(/packageModule\(\s*"([^"]+)"/g)) {
        found.add(module!);
      }
      // The bundle is in another folder. In a text it is an example for users.
      const outside = code.replace(/"(?:[^"\\\n]|\\.)*"/g, "");
      if (
        path !== "proto/package_root.ts" &&
        /\bimport\.meta\.(?:url|resolve)\b/.test(outside)
      ) wrong.push(path);
    }
  }
  assertEquals(wrong, []);
  const exported = Object.values(config.exports)
    .map((module) => module.slice("./".length, -".ts".length));
  assertEquals(
    [...found].filter((module) => !exported.includes(module)).sort(),
    [...FOUND_BY_URL].sort(),
  );
});
