/** valgrind: the machine's, or else Debian's, unpacked. */

import { debianPackages } from "./debian.ts";

/** How to run a program under valgrind. */
export interface Valgrind {
  /** The program and its first arguments. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** The first finding does not end the program, but each is one. */
const OPTIONS: readonly string[] = [
  "--quiet",
  "--vgdb=no",
  "--error-exitcode=99",
  "--leak-check=full",
  // What a thread that still runs has, its stack above all, is only "possibly" lost.
  "--show-leak-kinds=definite,indirect",
  "--errors-for-leak-kinds=definite,indirect",
  "--trace-children=yes",
  "--trace-children-skip=*/sh,*/rm",
  // What was only forked has lost the other threads, and what they had with them.
  "--child-silent-after-fork=yes",
  "--fair-sched=try",
];

/** Throws with valgrind's words if it does not get as far as running a program. */
async function works(valgrind: Valgrind): Promise<void> {
  const [program, ...args] = valgrind.command;
  const { success, stderr } = await new Deno.Command(program!, {
    args: [...args, "/bin/true"],
    env: valgrind.env,
    stdin: "null",
  }).output();
  if (success) return;
  throw new Error(new TextDecoder().decode(stderr).trim());
}

/**
 * It has to see into the dynamic linker, whose symbols are in a package of
 * their own. In a folder that is not the system's it looks for them by the
 * place of the file that they are of.
 */
async function unpacked(): Promise<Valgrind> {
  const root = await debianPackages(["valgrind", "libc6-dbg"]);
  const { stdout } = await new Deno.Command("readlink", {
    args: ["-f", "/lib64/ld-linux-x86-64.so.2"],
  }).output();
  const linker = new TextDecoder().decode(stdout);
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

/** A valgrind that works here, or the reason why there is none. */
export async function findValgrind(): Promise<Valgrind | string> {
  const installed: Valgrind = { command: ["valgrind", ...OPTIONS], env: {} };
  try {
    await works(installed);
    return installed;
  } catch {
    // Not installed, or not as it should be.
  }
  try {
    const own = await unpacked();
    await works(own);
    return own;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return `no valgrind: ${error.message.split("\n")[0]}`;
  }
}
