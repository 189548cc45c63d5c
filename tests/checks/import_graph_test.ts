import { assert, assertEquals } from "@std/assert";
import { permittedTest } from "../helpers/permitted.ts";

/** What each layer may import besides itself. The longest prefix of a file's path decides which it is in. */
const ALLOWED: Record<string, readonly string[]> = {
  "proto/": [],
  "ffi/": ["proto/"],
  "broker/": ["ffi/", "proto/"],
  // A program, of the broker and beside it: nothing in the broker imports it.
  "broker/cli/": [
    "broker/address.ts",
    "broker/cli/own_programs.ts",
    "broker/grpc_client.ts",
    "broker/http2_guard.ts",
    "broker/log.ts",
    "broker/version.ts",
    "ffi/clock.ts",
    "ffi/environment.ts",
    "host/probe/steps.ts",
    "launchd/",
    "proto/",
  ],
  // Names the programs with ffi that it runs beside itself, and their processors, and imports none.
  "broker/cli/own_programs.ts": [
    "host/demo/edges.ts",
    "host/demo/main.ts",
    "host/probe/inverter.ts",
    "host/probe/main.ts",
  ],
  // How a system's service manager is told of a broker; it runs nothing of ours.
  "launchd/": ["ffi/environment.ts", "ffi/library.ts", "proto/"],
  "host/": ["host/assembly.ts", "ffi/", "proto/"],
  "client/": ["ffi/", "proto/"],
  // Where the pieces are put together, once.
  "host/assembly.ts": [
    "host/",
    "broker/embedded.ts",
    "broker/grpc_client.ts",
    "client/runner.ts",
    "ffi/",
    "launchd/",
    "proto/",
  ],
  // Programs: they use the library as anyone would.
  "host/demo/": ["host/mod.ts", "client/mod.ts", "ffi/stats.ts"],
  // One that looks at each part by itself besides.
  "host/probe/": ["host/mod.ts", "client/mod.ts", "ffi/", "proto/"],
  "mod.ts": ["client/mod.ts", "host/mod.ts"],
};

/** Packages, and the only places that may use them. `node:` is free. */
const PACKAGES: Record<string, RegExp> = {
  "@grpc/grpc-js": /^broker\/grpc_/,
  "protobufjs/ext/descriptor/index.js": /^proto\/generate\.ts$/,
  "protobufjs": /^(broker\/grpc_|proto\/generate\.ts)/,
  "@std/cli/parse-args":
    /^(broker\/main_options|broker\/cli\/arguments|host\/demo\/options)\.ts$/,
  "@std/cli/unicode-width": /^broker\/cli\/text_width\.ts$/,
};

const root = new URL("../../", import.meta.url);

async function* sources(folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(new URL(folder, root))) {
    const path = `${folder}${entry.name}`;
    if (entry.isDirectory) yield* sources(`${path}/`);
    else if (path.endsWith(".ts")) yield path;
  }
}

/** The specifiers that a source imports, statically or not; comments do not count. */
export function importsOf(source: string): string[] {
  const code = source
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/^\s*\/\/.*$/gm, "");
  const pattern =
    /(?:^|[\s;}])(?:import|export)\s[^;"'`]*?from\s*["']([^"']+)["']|(?:^|[\s;}])import\s*["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']/g;
  return [...code.matchAll(pattern)].map((m) => m[1] ?? m[2] ?? m[3] ?? "");
}

function layerOf(path: string): string {
  const layers = Object.keys(ALLOWED).filter((layer) => path.startsWith(layer));
  return layers.sort((a, b) => b.length - a.length)[0] ?? "";
}

/** Why an import is not allowed, if it is not. */
export function violation(
  path: string,
  specifier: string,
): string | undefined {
  if (specifier.startsWith("node:")) return undefined;
  if (!specifier.startsWith(".")) {
    return PACKAGES[specifier]?.test(path)
      ? undefined
      : `${path} may not import the package ${specifier}`;
  }
  const target = new URL(specifier, new URL(path, root)).href
    .slice(root.href.length);
  // Where the version is written, once.
  if (path === "broker/version.ts" && target === "deno.json") return undefined;
  const layer = layerOf(path);
  const own = layer.endsWith("/") && layerOf(target) === layer;
  return own || ALLOWED[layer]?.some((prefix) => target.startsWith(prefix))
    ? undefined
    : `${path} may not import ${target}`;
}

Deno.test("the import check sees what is not allowed", () => {
  assertEquals(violation("proto/keys.ts", "./limits.ts"), undefined);
  assert(violation("proto/keys.ts", "../ffi/native.ts"));
  assert(violation("host/bridge.ts", "../broker/broker.ts"));
  assert(violation("client/bridge.ts", "../host/mod.ts"));
  assert(violation("ffi/native.ts", "@grpc/grpc-js"));
  assert(violation("broker/main.ts", "./cli/cli.ts"));
  assert(violation("broker/cli/cli.ts", "../broker.ts"));
  assertEquals(violation("broker/cli/session.ts", "../log.ts"), undefined);
  assertEquals(
    importsOf(
      `import { a } from "./a.ts";\nexport * from './b.ts';\nawait import("./c.ts");\n// import "./d.ts"\nimport "./e.ts";`,
    ),
    ["./a.ts", "./b.ts", "./c.ts", "./e.ts"],
  );
});

permittedTest("no arrow of the import graph points the wrong way", {
  read: true,
}, async () => {
  const wrong: string[] = [];
  let files = 0;
  for (
    const folder of [
      "proto/",
      "ffi/",
      "broker/",
      "host/",
      "client/",
      "launchd/",
    ]
  ) {
    for await (const path of sources(folder)) {
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
