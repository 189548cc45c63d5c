/** valgrind: the one that is installed, or else Debian's package, unpacked. */

import { describeEnd, runToEnd } from "../programs.ts";
import { debianPackages } from "./debian.ts";

/** The limit for a run of valgrind with nothing to check. */
const LIMIT_MS = 120_000;

/** How to run a program under valgrind. */
interface Valgrind {
  /** The program and its first arguments. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** The first finding does not end the program; the exit code says that there was one. */
const OPTIONS: readonly string[] = [
  "--quiet",
  "--vgdb=no",
  "--error-exitcode=99",
  "--leak-check=full",
  // The stack of a thread that still runs counts as "possibly" lost: that is no leak.
  "--show-leak-kinds=definite,indirect",
  "--errors-for-leak-kinds=definite,indirect",
  "--trace-children=yes",
  "--trace-children-skip=*/sh,*/rm",
  // After a fork the other threads are gone, and their memory looks lost.
  "--child-silent-after-fork=yes",
  "--fair-sched=try",
];

/** Throws with valgrind's output if it cannot run a program. */
async function check(valgrind: Valgrind): Promise<void> {
  const [program, ...args] = valgrind.command;
  const ended = await runToEnd(program!, {
    args: [...args, "/bin/true"],
    env: valgrind.env,
    limitMs: LIMIT_MS,
    sharesSession: true,
  });
  if (ended.code === 0) return;
  throw new Error(ended.stderr.trim() || describeEnd(ended, LIMIT_MS));
}

/**
 * Debian's valgrind. It needs the symbols of the dynamic linker, which are in
 * another package. Outside the system's folders it looks for them at the path
 * of the linker, below `--extra-debuginfo-path`: so they are copied there.
 */
async function unpacked(): Promise<Valgrind> {
  const root = await debianPackages(["valgrind", "libc6-dbg"]);
  const { stdout: linker } = await runToEnd("readlink", {
    args: ["-f", "/lib64/ld-linux-x86-64.so.2"],
    limitMs: LIMIT_MS,
    sharesSession: true,
  });
  const place = `${root}symbols${linker.slice(0, linker.lastIndexOf("/"))}`;
  await Deno.mkdir(place, { recursive: true });
  const all = `${root}usr/lib/debug/.build-id`;
  for await (const { name: start } of Deno.readDir(all)) {
    for await (const { name } of Deno.readDir(`${all}/${start}`)) {
      await Deno.copyFile(`${all}/${start}/${name}`, `${place}/${name}`);
    }
  }
  return {
    command: [
      `${root}usr/bin/valgrind.bin`,
      `--extra-debuginfo-path=${root}symbols`,
      ...OPTIONS,
    ],
    env: { VALGRIND_LIB: `${root}usr/libexec/valgrind` },
  };
}

/** Returns a valgrind that works here, or the reason why there is none. */
export async function findValgrind(): Promise<Valgrind | string> {
  const installed: Valgrind = { command: ["valgrind", ...OPTIONS], env: {} };
  try {
    await check(installed);
    return installed;
  } catch {
    // It is not installed, or does not work.
  }
  try {
    const own = await unpacked();
    await check(own);
    return own;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return `no valgrind: ${error.message.split("\n")[0]}`;
  }
}
