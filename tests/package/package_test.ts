import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { createHash } from "node:crypto";
import type { Prebuilt } from "../../ffi/library/prebuilt/prebuilt.ts";
import { ABI_VERSION } from "../../ffi/symbols.ts";
import {
  MAX_BYTES,
  PACKAGE_FOLDER,
  PLATFORMS,
} from "../../tools/package/pack.ts";
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
async function hashOf(file: string): Promise<string> {
  return createHash("sha256").update(await Deno.readFile(file)).digest("hex");
}

packageTest("it holds what it should, and is small enough", (said) => {
  const [, count, bytes] =
    /packed c\/out\/publish\/package\/: (\d+) files, (\d+) bytes/.exec(said) ??
      [];
  assert(Number(count) > 150, `${count} files`);
  assert(Number(bytes) < MAX_BYTES / 4, `${bytes} bytes`);
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
    const source = await Deno.readTextFile(new URL(entry, PACKAGE_FOLDER));
    assertMatch(source, /^\/\*\*(?:(?!\*\/)[\s\S])*@module/);
  }
});

packageTest(
  "it has a shim for each system, whole and of this ABI",
  async () => {
    const hashes = new Set<string>();
    for (const [platform, name] of Object.entries(PLATFORMS)) {
      const module = `ffi/library/prebuilt/${platform.replace("-", "_")}.ts`;
      const { PREBUILT } = await import(
        new URL(module, PACKAGE_FOLDER).href
      ) as {
        PREBUILT: Prebuilt;
      };
      const bytes = Uint8Array.fromBase64(PREBUILT.base64);
      assertEquals(PREBUILT.bytes, bytes.length);
      assertEquals(PREBUILT.abi, ABI_VERSION);
      assertEquals(
        PREBUILT.sha256,
        createHash("sha256").update(bytes).digest("hex"),
      );
      assertEquals(
        bytes,
        await Deno.readFile(
          new URL(`c/out/prebuilt/${platform}/${name}`, ROOT),
        ),
      );
      hashes.add(PREBUILT.sha256);
      // A checkout contains no shim, so that it loads the one that it has built.
      const { PREBUILT: own } = await import(new URL(module, ROOT).href);
      assertEquals(own, undefined);
    }
    assertEquals(hashes.size, 4);
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
    assertRan(await project.run({ write: false }));
  },
  SERVING,
);

packageTest(
  "an empty project without a compiler exchanges frames",
  async () => {
    await using project = await EmptyProject.create();
    assertFailed(await project.start("cc"), "NotFound");
    assertRan(await project.run({ check: true }));
    const file = await project.cachedFile();
    const hash = await hashOf(file);
    assertEquals(await project.cached(), {
      "": "700",
      [`/${hash}`]: "700",
      [file.slice(project.cache.length)]: "400",
    });
    // When the file exists, nothing is written.
    assertRan(await project.run({ write: false }));
  },
  SERVING,
);

packageTest(
  "the README's command runs it the first time, without permission to write",
  async () => {
    const readme = await Deno.readTextFile(
      new URL("README.md", PACKAGE_FOLDER),
    );
    const [, flags] = /\$ deno run ([^\n]*) host\.ts\n/.exec(readme) ?? [];
    assert(flags && !flags.includes("--allow-write"), readme);
    await using project = await EmptyProject.create();
    assertRan(
      await project.deno("run", "--no-prompt", ...flags.split(" "), "host.ts"),
    );
    const file = await project.cachedFile();
    assertEquals((await Deno.stat(file)).mode! & 0o777, 0o400);
    assertEquals((await Deno.stat(project.cache)).mode! & 0o777, 0o700);
  },
  SERVING,
);

packageTest(
  "without permission to write or to start Deno the first time, it says which",
  async () => {
    await using project = await EmptyProject.create();
    assertFailed(
      await project.run({ write: false, start: false }),
      "Cannot keep the shim in",
      `--allow-write=${project.cache}`,
    );
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

packageTest("a file that was changed is replaced, or not used", async () => {
  await using project = await EmptyProject.create();
  assertRan(await project.run());
  const file = await project.cachedFile();
  const hash = await hashOf(file);
  const { size, ino } = await Deno.stat(file);
  for (const content of [new Uint8Array(size), new Uint8Array(3)]) {
    await Deno.remove(file);
    await Deno.writeFile(file, content, { mode: 0o400 });
    assertFailed(
      await project.run({ write: false, start: false }),
      "Cannot keep the shim in",
      `--allow-write=${project.cache}`,
    );
    assertRan(await project.run({ write: false }));
    assertEquals(await hashOf(file), hash);
  }
  // The content is right, but another user could have opened it for writing.
  await Deno.chmod(file, 0o666);
  assertRan(await project.run());
  assertEquals((await Deno.stat(file)).mode! & 0o777, 0o400);
  // A link to another file with the same bytes.
  await Deno.rename(file, `${project.cache}/moved`);
  await Deno.symlink(`${project.cache}/moved`, file);
  assertRan(await project.run());
  assert((await Deno.lstat(file)).isFile);
  assert((await Deno.lstat(file)).ino !== ino);
}, SERVING);

packageTest("a directory that others can write to is refused", async () => {
  await using project = await EmptyProject.create();
  assertRan(await project.run());
  const directory = (await project.cachedFile()).replace(/\/[^/]*$/, "");
  for (const path of [project.cache, directory]) {
    await Deno.chmod(path, 0o777);
    assertFailed(
      await project.run(),
      `Cannot keep the shim in ${path}: its mode is 0777`,
    );
    await Deno.chmod(path, 0o700);
  }
  await Deno.rename(directory, `${project.cache}/moved`);
  await Deno.symlink(`${project.cache}/moved`, directory);
  assertFailed(
    await project.run(),
    `Cannot keep the shim in ${directory}: it is not a directory`,
  );
}, SERVING);

packageTest("hosts that start at once share one file", async () => {
  await using project = await EmptyProject.create();
  const results = await Promise.all(
    Array.from({ length: 4 }, () => project.run()),
  );
  for (const result of results) assertRan(result);
  assertMatch(await project.cachedFile(), /libstreamlib_bridge\.(so|dylib)$/);
  assertEquals(Object.keys(await project.cached()).length, 3);
}, SERVING);

packageTest("a package without a shim for this system says so", async () => {
  await using project = await EmptyProject.create();
  await project.changeShim(() => "export const PREBUILT = undefined;\n");
  assertFailed(
    await project.run(),
    "Cannot load the shim",
    `if the package has no shim for ${Deno.build.os}-${Deno.build.arch}, set STREAMLIB_LIBRARY to the path of one`,
  );
});

packageTest("a shim of another ABI is not even written", async () => {
  await using project = await EmptyProject.create();
  await project.changeShim((module) =>
    module.replace(/abi"?: \d+/, `abi": ${ABI_VERSION + 1}`)
  );
  assertFailed(
    await project.run(),
    `its ABI is version ${ABI_VERSION + 1}, this library's is ${ABI_VERSION}`,
  );
  assertEquals(await Deno.lstat(project.cache).catch(() => "none"), "none");
});
