/** The shim for Linux, compiled for other processors and for older systems than this machine. */

import { LINUX, LINUX_LIBRARY_LINK, listLinuxLibrary } from "../c/sources.ts";
import { type Machine, readSharedLibrary, type SharedLibrary } from "./elf.ts";
import type { Toolchain } from "./toolchain.ts";

/** The processors. */
export const MACHINES: readonly Machine[] = ["x86_64", "aarch64"];

/** The shim's name on Linux. */
export const LINUX_LIBRARY = "libstreamlib_bridge.so";

/** The oldest glibc that it runs with: of 2018, used by Debian 10, RHEL 8 and Ubuntu 20.04. */
const GLIBC_VERSION = "2.28";

/** The libraries that it may load, all of glibc. */
const LIBRARIES = /^(libc|libpthread|ld-linux-(x86-64|aarch64))\.so\.\d$/;

const FLAGS = ["-O2", "-g0", "-s", "-fPIC", "-fvisibility=hidden", "-shared"];

/** The target in the toolchain's notation. */
function linuxTarget(machine: Machine): string {
  return `${machine}-linux-gnu.${GLIBC_VERSION}`;
}

/** Returns what is wrong with the shim for one processor; empty if nothing is. */
export function linuxProblems(
  library: SharedLibrary,
  machine: Machine,
): string[] {
  const problems: string[] = [];
  const say = (problem: string): void => {
    problems.push(`${machine}: ${problem}`);
  };
  if (library.machine !== machine) say(`it is for ${library.machine}`);
  for (const name of library.libraries) {
    if (!LIBRARIES.test(name)) say(`it loads ${name}`);
  }
  for (const version of library.versions) {
    if (isTooNew(version)) say(`it needs ${version}`);
  }
  if (!library.nodelete) say("closing it would unmap it under XPC's threads");
  if (!library.bindsNow) say("its tables stay writable");
  if (!library.executable) {
    say("it is no program, so that clients cannot be confined");
  }
  for (const section of library.sections) {
    if (/^\.(debug|symtab|note\.gnu\.build-id)/.test(section)) {
      say(`it has ${section}`);
    }
  }
  return problems;
}

/** Whether a symbol version is newer than the oldest supported glibc. */
function isTooNew(version: string): boolean {
  const [, major, minor] = /^GLIBC_(\d+)\.(\d+)/.exec(version) ?? [];
  const [oldestMajor, oldestMinor] = GLIBC_VERSION.split(".").map(Number);
  return Number(major) !== oldestMajor || Number(minor) > oldestMinor!;
}

/** Compiles and links the shim, with the flags of `deno task build`. Throws CompileError. */
export async function compileLinux(
  toolchain: Toolchain,
  machine: Machine,
  link: readonly string[] = LINUX_LIBRARY_LINK,
): Promise<Uint8Array> {
  const sources = await listLinuxLibrary();
  return await toolchain.link(linuxTarget(machine), LINUX_LIBRARY, [
    ...LINUX,
    ...FLAGS,
    ...sources,
    ...link,
  ]);
}

/** Builds the shim and checks it. Throws CompileError, or Error with all problems. */
export async function buildLinux(
  toolchain: Toolchain,
  machine: Machine,
): Promise<Uint8Array> {
  const bytes = await compileLinux(toolchain, machine);
  const problems = linuxProblems(readSharedLibrary(bytes), machine);
  if (problems.length > 0) throw new Error(problems.join("\n"));
  return bytes;
}
