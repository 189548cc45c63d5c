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

/** The systems that have files. `double` is Linux with macOS's surfaces and endpoints over test doubles. */
type System = "linux" | "darwin" | "double";

/** The files of the shim that are for other systems. */
const ELSEWHERE: Record<System, RegExp> = {
  linux: /_macos\.c$|iosurface|endpoint_port/,
  darwin: /_(linux|memfd)\.c$/,
  double: /_(macos|memfd)\.c$/,
};

/** What makes the file of the shim a program, on Linux: for the shared library alone, because a test program is one already. */
const ENTRY = "c/confine/entry_linux.c";

/** What a process needs of a bootstrap that has started it: on Linux it is in our libxpc. */
const CHANNEL = /\/(codec|held|channel_linux|loss_linux)\.c$/;

/** A library of its own, for programs that do not use the shim. */
const INTERPOSER = /\/interpose_macos\.c$/;

/** What the interposer needs besides: a channel, and endpoints of ports. */
const INTERPOSED =
  /\/(codec|endpoint_port|(channel|endpoint|messages|registered)_macos)\.c$/;

/** The C files of the shim for a system, without those of our libxpc. */
export async function listShim(system: System): Promise<string[]> {
  const bootstrap = (await listC("bootstrap/")).filter((file) =>
    !INTERPOSER.test(file) && (system === "darwin" || !CHANNEL.test(file))
  );
  const files = [
    ...await listC("bridge/"),
    ...bootstrap,
    ...await listC("confine/"),
  ];
  return files.filter((file) =>
    file !== ENTRY && !ELSEWHERE[system].test(file)
  );
}

/** The C files of the interposer, a library for programs on macOS that know nothing of a bootstrap. */
export async function listInterposer(): Promise<string[]> {
  return (await listC("bootstrap/")).filter((file) =>
    INTERPOSER.test(file) || INTERPOSED.test(file)
  );
}

/** The C files of a bootstrap on macOS that need only Mach: a test runs them on Linux, over a double. */
export async function listMachBootstrap(): Promise<string[]> {
  return (await listC("bootstrap/")).filter((file) =>
    !/_linux\.c$|endpoint|interpose/.test(file)
  );
}

/** The C files of our libxpc. */
export async function listLibxpc(): Promise<string[]> {
  const bootstrap = await listC("bootstrap/");
  return [
    ...await listC("linux/"),
    ...bootstrap.filter((file) => CHANNEL.test(file)),
  ];
}

/** The C files of the shim's shared library for Linux, with our libxpc. */
export async function listLinuxLibrary(): Promise<string[]> {
  return [...await listShim("linux"), ENTRY, ...await listLibxpc()];
}

/** The names of the C tests for a system; on macOS those of the shim, over Apple's libxpc and frameworks, and of what needs neither. */
export async function listTests(
  system: Exclude<System, "double">,
): Promise<string[]> {
  const files = await listC("tests/", "_test.c");
  const names = files.map((file) => file.slice("c/tests/".length, -2));
  return names.filter((name) =>
    system === "linux" || /^bridge_|^boot_(codec|registry)_/.test(name)
  );
}

/** Flags of every compilation: warnings are errors. `c/linux/include` has the XPC API of both systems. */
export const STRICT: readonly string[] = [
  "-std=c11",
  "-Wall",
  "-Wextra",
  "-Wshadow",
  "-Wconversion",
  "-Werror",
  "-Ic",
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

/** Linker flags of the shim's shared library: it is the launcher of clients that are confined, too. */
export const LINUX_LIBRARY_LINK: readonly string[] = [
  ...LINUX_LINK,
  "-Wl,-e,slb_confine_entry",
];

/** The oldest macOS that the shim runs on. */
export const MACOS_VERSION = "13.0";

/** The shim's name on macOS. */
export const MACOS_LIBRARY = "libstreamlib_bridge.dylib";

/** The interposer's name. */
export const MACOS_INTERPOSER = "libstreamlib_interpose.dylib";

/** Flags of every program on macOS, over Apple's libxpc. */
export const MACOS_PROGRAM: readonly string[] = [...STRICT, "-fno-blocks"];

/** Flags of a library for macOS, for any clang. Blocks are made without compiler support, as on Linux. */
export function macosFlags(library: string): readonly string[] {
  return [
    ...STRICT,
    "-fno-blocks",
    "-O2",
    "-fvisibility=hidden",
    "-dynamiclib",
    `-Wl,-install_name,@rpath/${library}`,
  ];
}
