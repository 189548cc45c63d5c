/**
 * libdispatch on Linux. Debian 13 has it in Swift's runtime, without headers;
 * the headers are Apple's, which zig contains. The library needs the C library
 * of that release, so programs run with that. Nothing is installed.
 */

import { fileURLToPath } from "node:url";
import { Toolchain } from "../../tools/cross/toolchain.ts";
import { debianPackages, librariesIn } from "../../tools/install/debian.ts";

/** How to build and run a program with libdispatch, and the Blocks runtime that it brings. */
export interface Dispatch {
  readonly flags: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const RELEASE = "trixie";
const PACKAGES = ["libswiftlang", "libc6", "libstdc++6", "libgcc-s1"];

/** Stand-ins for headers that Apple's include and Linux lacks. */
const HEADERS = fileURLToPath(new URL("dispatch", import.meta.url));

/** Unpacks Debian's libdispatch. Throws with the reason if it cannot be downloaded. */
export async function debianDispatch(): Promise<Dispatch> {
  const toolchain = await Toolchain.open();
  const root = await debianPackages(PACKAGES, RELEASE);
  const system = await librariesIn(root);
  const swift = `${root}usr/libexec/swift/lib/swift/linux`;
  const loader = [...Deno.readDirSync(system)]
    .find(({ name }) => name.startsWith("ld-linux"));
  if (!loader) throw new Error(`no dynamic linker in ${system}`);
  return {
    flags: [
      // Last, so that headers that both systems have are this machine's.
      "-idirafter",
      HEADERS,
      "-idirafter",
      await toolchain.appleHeaders(),
      `-L${swift}`,
      "-ldispatch",
      "-lBlocksRuntime",
      "-Wl,--allow-shlib-undefined",
      `-Wl,--dynamic-linker=${system}/${loader.name}`,
    ],
    env: { LD_LIBRARY_PATH: `${system}:${swift}` },
  };
}
