import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { createHash } from "node:crypto";
import type { Prebuilt } from "../../ffi/library/prebuilt/prebuilt.ts";
import { ABI_VERSION } from "../../ffi/symbols.ts";
import { bundledEntry } from "../../tools/package/bundle.ts";
import { MAX_BYTES, PACKAGE_FOLDER } from "../../tools/package/pack.ts";
import {
  PLATFORMS,
  prebuiltPath,
} from "../../tools/package/prebuilt_module.ts";
import {
  PYTHON_MODULE,
  readPython,
} from "../../tools/package/python_module.ts";
import { run } from "../helpers/child.ts";
import { EmptyProject } from "./empty_project.ts";
import {
  assertFailed,
  assertRan,
  packageTest,
  packOnce,
  publish,
} from "./packed.ts";

/** Tests the package as it would be published, used as users would use it. */

const ROOT = new URL("../../", import.meta.url);
packOnce();

/** The project's host starts its own broker. */
const SERVING = { service: true } as const;

/** A program that loads the package's shim and writes what it counts. */
const COUNTING = new URL("../fixtures/counts_shims.ts", import.meta.url);

/** The package's shim for a system. */
async function shimOf(platform: string): Promise<Prebuilt> {
  const module = bundledEntry(prebuiltPath(platform));
  return (await import(new URL(module, PACKAGE_FOLDER).href)).PREBUILT;
}

/** A program that opens the shim, whether this system has bootstraps or not. */
const OPENS = `import { Bootstrap } from "@streamlib/bridge/bootstrap";
Bootstrap.whyNone();
`;

/** The package's own shim for this system. */
async function ownShim(): Promise<Prebuilt> {
  const { os, arch } = Deno.build;
  return await shimOf(`${os}-${arch}`);
}

packageTest("it holds what it should, and is small enough", (said) => {
  const [, count, bytes] =
    /packed c\/out\/publish\/package\/: (\d+) files, (\d+) bytes/.exec(said) ??
      [];
  assert(Number(count) > 150, `${count} files`);
  assert(Number(bytes) < MAX_BYTES / 2, `${bytes} bytes`);
  const top = [...Deno.readDirSync(PACKAGE_FOLDER)].map(({ name }) => name);
  for (const name of ["LICENSE", "README.md", "deno.json", "mod.ts", "c"]) {
    assert(top.includes(name), `${name} is missing`);
  }
  for (const name of ["tests", ".ci", ".std", ".github", ".git"]) {
    assert(!top.includes(name), `${name} is in it`);
  }
  const inC = [...Deno.readDirSync(new URL("c/", PACKAGE_FOLDER))];
  assert(!inC.some(({ name }) => name === "out"), "c/out is in it");
});

packageTest("what it says of itself is complete", async () => {
  const readme = await Deno.readTextFile(new URL("README.md", PACKAGE_FOLDER));
  assertStringIncludes(readme, "```ts\n");
  const links = [...readme.matchAll(/\]\((?!https?:|#)([^)]+)\)/g)];
  assert(links.length > 5, `${links.length} links`);
  for (const [, link] of links) {
    await Deno.stat(new URL(link!, PACKAGE_FOLDER)); // throws, naming the file
  }
  const { exports } = JSON.parse(
    await Deno.readTextFile(new URL("deno.json", PACKAGE_FOLDER)),
  ) as { exports: Record<string, string> };
  for (const entry of Object.values(exports)) {
    const url = new URL(entry, PACKAGE_FOLDER);
    const [, types] = /^\/\* @ts-self-types="(\S+)" \*\/\n/
      .exec(await Deno.readTextFile(url)) ?? [];
    assert(types, `${entry} does not name its types`);
    const source = await Deno.readTextFile(new URL(types, url));
    assertMatch(source, /^\/\*\*(?:(?!\*\/)[\s\S])*@module/);
  }
});

packageTest(
  "it has a shim for each system, whole and of this ABI",
  async () => {
    const hashes = new Set<string>();
    for (const [platform, name] of Object.entries(PLATFORMS)) {
      const shim = await shimOf(platform);
      const bytes = Uint8Array.fromBase64(shim.base64);
      assertEquals(shim.bytes, bytes.length);
      assertEquals(shim.abi, ABI_VERSION);
      assertEquals(
        shim.sha256,
        createHash("sha256").update(bytes).digest("hex"),
      );
      assertEquals(
        bytes,
        await Deno.readFile(
          new URL(`c/out/prebuilt/${platform}/${name}`, ROOT),
        ),
      );
      hashes.add(shim.sha256);
      // A checkout contains no shim, so that it loads the one that it has built.
      const { PREBUILT: own } = await import(
        new URL(`${prebuiltPath(platform)}.ts`, ROOT).href
      );
      assertEquals(own, undefined);
    }
    assertEquals(hashes.size, 4);
  },
);

packageTest("it has the Python package, whole", async () => {
  const module = new URL(bundledEntry(PYTHON_MODULE), PACKAGE_FOLDER);
  const { PYTHON_TEXTS } = await import(module.href);
  assertEquals(PYTHON_TEXTS, await readPython());
  assert("__main__.py" in PYTHON_TEXTS["client/python"].files);
  assert("edges.py" in PYTHON_TEXTS["demo/python"].files);
});

packageTest(
  "a host and its client run from the bundle: they need no source",
  async () => {
    await using project = await EmptyProject.create();
    await project.removeSources();
    assertRan(await project.run());
  },
  SERVING,
);

packageTest(
  "a client's process loads few modules, all of the bundle",
  async () => {
    const runner = new URL(bundledEntry("client/runner"), PACKAGE_FOLDER);
    const { code, stdout, stderr } = await run(Deno.execPath(), {
      args: ["info", "--json", "--no-lock", runner.href],
    });
    assertEquals(code, 0, stderr);
    const { modules }: { modules: { specifier: string }[] } = JSON.parse(
      stdout,
    );
    const dist = new URL("dist/", PACKAGE_FOLDER).href;
    const others = modules.map(({ specifier }) => specifier)
      .filter((url) => !url.startsWith(dist) && !url.startsWith("node:"));
    assertEquals(others, []);
    assert(modules.length < 50, `${modules.length} modules`);
  },
);

packageTest(
  "it is published, downloaded, and then runs without its registry",
  async () => {
    const registry = await publish();
    await using project = await EmptyProject.create(registry.url);
    try {
      const { code, stderr } = await project.download();
      assertEquals(code, 0, stderr);
    } finally {
      await registry[Symbol.asyncDispose]();
    }
    assertFailed(await project.start("cc"), "NotFound");
    assertRan(await project.run());
    assertRan(await project.run());
  },
  SERVING,
);

packageTest(
  "an empty project without a compiler exchanges frames",
  async () => {
    await using project = await EmptyProject.create();
    assertFailed(await project.start("cc"), "NotFound");
    assertRan(await project.run({ check: true }));
  },
  SERVING,
);

packageTest(
  "the README's command runs it, and no other permission is needed for the shim",
  async () => {
    const readme = await Deno.readTextFile(
      new URL("README.md", PACKAGE_FOLDER),
    );
    const [, flags] = /\$ deno run ([^\n]*) host\.ts\n/.exec(readme) ?? [];
    assert(flags && !flags.includes("--allow-write"), readme);
    await using project = await EmptyProject.create();
    await project.write("opens.ts", OPENS);
    const { code, stderr } = await project
      .deno("run", "--no-prompt", "--allow-ffi", "opens.ts");
    assertEquals([code, stderr], [0, ""]);
    const runs = [
      flags.split(" "),
      ["--allow-ffi", "--allow-env", `--allow-run=${Deno.execPath()}`],
    ];
    for (const given of runs) {
      assertRan(await project.deno("run", "--no-prompt", ...given, "host.ts"));
    }
  },
  SERVING,
);

packageTest(
  "its shim is loaded once for all isolates of a process",
  async () => {
    await using project = await EmptyProject.create();
    const counting = await Deno.readTextFile(COUNTING);
    await project.write(
      "counts.ts",
      counting.replace(
        /^declare const Bootstrap.*$/m,
        'import { Bootstrap } from "@streamlib/bridge/bootstrap";',
      ),
    );
    const { code, stdout, stderr } = await project.deno(
      "run",
      "--no-prompt",
      "--allow-ffi",
      "--allow-read", // for the modules of the Workers
      "counts.ts",
    );
    const { sha256 } = await ownShim();
    const name = `/memfd:streamlib_bridge-${sha256} (deleted)`;
    assertEquals([code, stderr], [0, ""]);
    assertEquals(JSON.parse(stdout), [name]);
  },
  { linux: "/proc" },
);

packageTest(
  "a client is a host itself: its own client has a shim too",
  async () => {
    await using project = await EmptyProject.create();
    const inner = await project.read("invert.ts");
    await project.write("inner.ts", inner);
    await project.write(
      "invert.ts",
      `import { ReactiveHost } from "@streamlib/bridge/host";\n` +
        inner.replace(
          "  process(",
          `  async setup() {
    await using inner = ReactiveHost.launch({
      module: new URL("./inner.ts", import.meta.url),
      inputs: { video: VideoFrame },
      outputs: { video: VideoFrame },
    });
    await inner.ready;
  },
  process(`,
        ),
    );
    const host = await project.read("host.ts");
    await project.write(
      "host.ts",
      host.replace("launch({", "launch({ permissions: { run: true },"),
    );
    assertRan(await project.run());
  },
  SERVING,
);

packageTest(
  "--allow-ffi for a path only: it says what is missing, or loads the shim that STREAMLIB_LIBRARY names",
  async () => {
    await using project = await EmptyProject.create();
    const { base64 } = await ownShim();
    const library = `${project.root}/own shim`;
    await Deno.writeFile(library, Uint8Array.fromBase64(base64));
    await project.write("opens.ts", OPENS);
    const flags = ["--no-prompt", `--allow-ffi=${library}`];
    assertFailed(
      await project.deno("run", ...flags, "opens.ts"),
      "Cannot load the shim of this package: run Deno with --allow-ffi, for every path; or set STREAMLIB_LIBRARY",
    );
    await project.write(
      "named.ts",
      `Deno.env.set("STREAMLIB_LIBRARY", ${JSON.stringify(library)});\n` +
        `await import("./opens.ts");\n`,
    );
    const { code, stderr } = await project.deno(
      "run",
      ...flags,
      "--allow-env=STREAMLIB_LIBRARY",
      "named.ts",
    );
    assertEquals([code, stderr], [0, ""]);
  },
);

packageTest(
  "a host over XPC downloads no npm package",
  async () => {
    await using registry = await publish();
    await using project = await EmptyProject.create(registry.url, {
      ownNpm: true,
    });
    const downloaded = await project.download();
    assertEquals(downloaded.code, 0, downloaded.stderr);
    assertRan(await project.run());
    assertEquals(await project.npmPackages(), []);
  },
  SERVING,
);

packageTest(
  "a program with an old @types/node in its graph is checked without errors",
  async () => {
    // Linked from its folder, so that the package's own modules are checked too.
    await using project = await EmptyProject.create();
    const old = `import type {} from "npm:@types/node@14.18.63";\n`;
    for (const name of ["host.ts", "invert.ts"]) {
      await project.write(name, old + await project.read(name));
      const { code, stderr } = await project.deno("check", name);
      assertEquals(code, 0, stderr);
    }
    // It shows that the old types are used: Node 14 has no such function.
    const probe =
      `import { styleText } from "node:util";\nstyleText("red", "");`;
    await project.write("host.ts", `${old}${probe}\n`);
    assertFailed(await project.deno("check", "host.ts"), "styleText");
  },
);

packageTest("a package without a shim for this system says so", async () => {
  await using project = await EmptyProject.create();
  await project.changeShim(() => "export const PREBUILT = undefined;\n");
  assertFailed(
    await project.run(),
    "Cannot load the shim",
    `if the package has no shim for ${Deno.build.os}-${Deno.build.arch}, set STREAMLIB_LIBRARY to the path of one`,
  );
});

packageTest("a shim of another ABI is not even loaded", async () => {
  await using project = await EmptyProject.create();
  await project.changeShim((module) =>
    module.replace(/abi"?: \d+/, `abi": ${ABI_VERSION + 1}`)
  );
  assertFailed(
    await project.run(),
    `its ABI is version ${ABI_VERSION + 1}, this library's is ${ABI_VERSION}`,
  );
});
