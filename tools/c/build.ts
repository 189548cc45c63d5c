/**
 * `deno task build`: compiles the shim with this machine's C compiler, if
 * something has changed, and writes the launchers of dev mode.
 *
 * The compiler is `$CC`, or else `cc`. The output is in `c/out/<system>-<arch>/`.
 */

import { cc, whenChanged } from "./compile.ts";
import { announce } from "../checkout.ts";
import { writeLaunchers } from "../launchers.ts";
import { stampCheckout } from "../package/stamp.ts";
import {
  LINUX,
  LINUX_LIBRARY_LINK,
  listInterposer,
  listLinuxLibrary,
  listShim,
  MACOS_INTERPOSER,
  MACOS_LIBRARY,
  MACOS_VERSION,
  macosFlags,
} from "./sources.ts";

const LIBRARY = "libstreamlib_bridge.so";

const SHARED = ["-O2", "-g", "-fPIC", "-fvisibility=hidden", "-shared"];

async function buildForLinux(): Promise<void> {
  const sources = await listLinuxLibrary();
  const flags = [...LINUX, ...SHARED, ...LINUX_LIBRARY_LINK];
  await whenChanged(
    LIBRARY,
    sources,
    flags,
    (output) =>
      cc([
        ...LINUX,
        ...SHARED,
        ...sources,
        "-o",
        output,
        ...LINUX_LIBRARY_LINK,
        "-lpthread",
      ]),
  );
}

/** Builds for this machine's processor; `deno task build:macos` builds for both. It was not run on a Mac yet. */
async function buildForMacos(): Promise<void> {
  const libraries: [string, string[]][] = [
    [MACOS_LIBRARY, await listShim("darwin")],
    [MACOS_INTERPOSER, await listInterposer()],
  ];
  for (const [library, sources] of libraries) {
    const flags = [
      ...macosFlags(library),
      `-mmacosx-version-min=${MACOS_VERSION}`,
    ];
    await whenChanged(
      library,
      sources,
      flags,
      (output) => cc([...flags, ...sources, "-o", output]),
    );
  }
}

async function buildLibrary(): Promise<void> {
  if (Deno.build.os === "linux") return await buildForLinux();
  if (Deno.build.os === "darwin") return await buildForMacos();
  announce(
    `Cannot build the shim for ${Deno.build.os}: it is for Linux and macOS.`,
  );
  Deno.exit(1);
}

await stampCheckout();
await buildLibrary();
await writeLaunchers();
