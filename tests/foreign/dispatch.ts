/**
 * libdispatch for programs that are not on a Mac. Debian 13 has it within
 * Swift's runtime, without its headers: those are Apple's own, which zig
 * carries. The library wants that release's C library, so the programs are run
 * with it; nothing is installed.
 */

import { fileURLToPath } from "node:url";
import { Toolchain } from "../../tools/cross/toolchain.ts";
import { debianPackages, librariesIn } from "../../tools/c/debian.ts";

/** How to build and run a program with libdispatch, and the Blocks runtime that it brings. */
export interface Dispatch {
  readonly flags: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const RELEASE = "trixie";
const PACKAGES = ["libswiftlang", "libc6", "libstdc++6", "libgcc-s1"];

/** For what Apple's headers include that is not theirs. */
const HEADERS = fileURLToPath(new URL("dispatch", import.meta.url));

/** Debian's, unpacked. Throws with the reason where it cannot be had. */
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
      // After everything else: what both systems have is this one's.
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
