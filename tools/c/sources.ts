/** The C files, as paths from the root of the checkout, and the flags that all builds share. */

import { ROOT } from "../checkout.ts";

/** The C files directly in a folder below `c/`, in order. */
export async function listC(folder: string, suffix = ".c"): Promise<string[]> {
  const files: string[] = [];
  for await (const entry of Deno.readDir(new URL(`c/${folder}`, ROOT))) {
    if (entry.isFile && entry.name.endsWith(suffix)) {
      files.push(`c/${folder}${entry.name}`);
    }
  }
  return files.sort();
}

/** The systems that have files. `double` is Linux with macOS's surfaces over a test double. */
export type System = "linux" | "darwin" | "double";

/** The files of the shim that are for other systems. */
const ELSEWHERE: Record<System, RegExp> = {
  linux: /_macos\.c$|iosurface/,
  darwin: /_(linux|memfd)\.c$/,
  double: /_(macos|memfd)\.c$/,
};

/** The C files of the shim for a system. */
export async function listShim(system: System): Promise<string[]> {
  const files = await listC("bridge/");
  return files.filter((file) => !ELSEWHERE[system].test(file));
}

/** The names of the C tests for a system; on macOS those of the shim, over Apple's libxpc and frameworks. */
export async function listTests(
  system: Exclude<System, "double">,
): Promise<string[]> {
  const files = await listC("tests/", "_test.c");
  const names = files.map((file) => file.slice("c/tests/".length, -2));
  return names.filter((name) => system === "linux" || /^bridge_/.test(name));
}

/** Flags of every compilation: warnings are errors. `c/linux/include` has the XPC API of both systems. */
export const STRICT: readonly string[] = [
  "-std=c11",
  "-Wall",
  "-Wextra",
  "-Wshadow",
  "-Wconversion",
  "-Werror",
  "-Ic/include",
  "-Ic/bridge",
  "-Ic/linux/include",
];

/** Flags of every compilation with our libxpc. */
export const LINUX: readonly string[] = [
  ...STRICT,
  "-D_GNU_SOURCE",
  "-pthread",
  "-Ic/linux",
];

/** Linker flags of every library of ours. */
export const LINUX_LINK: readonly string[] = [
  // The library stays mapped: a program may close it while XPC's threads still run.
  "-Wl,-z,nodelete",
  "-Wl,-z,defs",
  "-Wl,-z,relro,-z,now",
];

/** The oldest macOS that the shim runs on. */
export const MACOS_VERSION = "13.0";

/** The shim's name on macOS. */
export const MACOS_LIBRARY = "libstreamlib_bridge.dylib";

/** Flags of every program on macOS, over Apple's libxpc. */
export const MACOS_PROGRAM: readonly string[] = [...STRICT, "-fno-blocks"];

/** Flags of the shim for macOS, for any clang. The shim makes its blocks without compiler support, as on Linux. */
export const MACOS: readonly string[] = [
  ...STRICT,
  "-fno-blocks",
  "-O2",
  "-fvisibility=hidden",
  "-dynamiclib",
  `-Wl,-install_name,@rpath/${MACOS_LIBRARY}`,
];
