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
  LINUX_LINK,
  listC,
  listShim,
  MACOS,
  MACOS_LIBRARY,
  MACOS_VERSION,
} from "./sources.ts";

const LIBRARY = "libstreamlib_bridge.so";

const SHARED = ["-O2", "-g", "-fPIC", "-fvisibility=hidden", "-shared"];

async function buildForLinux(): Promise<void> {
  const sources = [...await listShim("linux"), ...await listC("linux/")];
  const flags = [...LINUX, ...SHARED, ...LINUX_LINK];
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
        ...LINUX_LINK,
        "-lpthread",
      ]),
  );
}

/** Builds for this machine's processor; `deno task build:macos` builds for both. It was not run on a Mac yet. */
async function buildForMacos(): Promise<void> {
  const sources = await listShim("darwin");
  const flags = [...MACOS, `-mmacosx-version-min=${MACOS_VERSION}`];
  await whenChanged(
    MACOS_LIBRARY,
    sources,
    flags,
    (output) => cc([...flags, ...sources, "-o", output]),
  );
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
