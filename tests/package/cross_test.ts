import { assert, assertEquals, assertThrows } from "@std/assert";
import { fileURLToPath } from "node:url";
import { readSharedLibrary } from "../../tools/cross/elf.ts";
import { Toolchain } from "../../tools/cross/toolchain.ts";
import { hasPython } from "../../tools/install/python.ts";
import { ROOT } from "../../tools/checkout.ts";
import { SYMBOLS } from "../../ffi/symbols.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { PLATFORMS } from "../../tools/package/prebuilt_module.ts";
import { prepare } from "../helpers/preparation.ts";

/** Tests the shims that are compiled for other systems. They are inspected, not run. */

const NEEDS = { run: true, read: true, write: true, env: true } as const;
const PYTHON = hasPython();

type Build = typeof import("../../tools/cross/build.ts");
type Linux = typeof import("../../tools/cross/linux.ts");

/** The modules that build them. They read the environment when they are loaded. */
interface Tools {
  readonly toolchain: Toolchain;
  readonly buildAll: Build["buildAll"];
  readonly linux: Linux;
}

if (PYTHON) {
  prepare("the first build", async () => {
    const { buildAll } = await import("../../tools/cross/build.ts");
    await buildAll(await Toolchain.open());
  });
}

function crossTest(name: string, body: (tools: Tools) => Promise<void>): void {
  permittedTest(
    name,
    { ...NEEDS, lacking: PYTHON ? undefined : "no python3 with venv" },
    async () => {
      const { buildAll } = await import("../../tools/cross/build.ts");
      const linux = await import("../../tools/cross/linux.ts");
      await body({ toolchain: await Toolchain.open(), buildAll, linux });
    },
  );
}

crossTest(
  "there is one for each system, with every function",
  async ({ toolchain, buildAll }) => {
    const shims = await buildAll(toolchain);
    assertEquals(
      Object.fromEntries(shims.map(({ platform, name }) => [platform, name])),
      PLATFORMS,
    );
    for (const { platform, bytes } of shims) {
      if (!platform.startsWith("linux-")) continue; // tests/macos inspects those
      const { exports, machine } = readSharedLibrary(bytes);
      assertEquals(platform, `linux-${machine}`);
      const functions = exports.filter((name) => name.startsWith("slb_"));
      assertEquals(functions.sort(), Object.keys(SYMBOLS).sort());
      assert(exports.every((name) => /^_?(slb|xpc)_/.test(name)), `${exports}`);
    }
  },
);

crossTest(
  "a build with nothing kept has the same bytes",
  async ({ toolchain, buildAll }) => {
    const before = await buildAll(toolchain);
    const folder = await Deno.makeTempDir();
    try {
      const cache = new URL(`file://${folder}/`);
      assertEquals(await buildAll(await Toolchain.open(cache)), before);
      for (const { platform, bytes } of before) {
        const text = new TextDecoder("latin1").decode(bytes);
        for (const place of [fileURLToPath(ROOT), folder]) {
          assert(!text.includes(place), `${place} is in that for ${platform}`);
        }
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

crossTest(
  "what is wrong with one for Linux is found",
  async ({ toolchain, linux }) => {
    const { compileLinux, linuxProblems, MACHINES } = linux;
    const [machine] = MACHINES;
    const loose = await compileLinux(toolchain, machine!, [
      "-Wl,-z,lazy",
      "-Wl,-z,norelro",
    ]);
    assertEquals(linuxProblems(readSharedLibrary(loose), machine!), [
      "x86_64: closing it would unmap it under XPC's threads",
      "x86_64: its tables stay writable",
      "x86_64: it is no program, so that clients cannot be confined",
    ]);
    const right = readSharedLibrary(await compileLinux(toolchain, "aarch64"));
    assertEquals(linuxProblems(right, "aarch64"), []);
    assertEquals(
      linuxProblems({
        ...right,
        libraries: ["libc.so.6", "libxpc.so"],
        versions: ["GLIBC_2.9", "GLIBC_2.28", "GLIBC_2.34", "GLIBCXX_3.4"],
        sections: [".text", ".debug_info", ".symtab"],
      }, "x86_64"),
      [
        "x86_64: it is for aarch64",
        "x86_64: it loads libxpc.so",
        "x86_64: it needs GLIBC_2.34",
        "x86_64: it needs GLIBCXX_3.4",
        "x86_64: it has .debug_info",
        "x86_64: it has .symtab",
      ],
    );
  },
);

crossTest(
  "what is no shared library is refused",
  async ({ toolchain, linux }) => {
    const bytes = await linux.compileLinux(toolchain, "x86_64");
    for (const at of [0, 4, 16, 18]) {
      const other = bytes.slice();
      other[at]! ^= 1;
      assertThrows(
        () => readSharedLibrary(other),
        Error,
        "Not a shared library",
      );
    }
  },
);
