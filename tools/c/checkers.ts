/** The checkers of the C tests: sanitizers and memory checkers, which find errors that no test asserts. */

import { SANITIZED } from "./compile.ts";
import { findValgrind } from "../install/valgrind.ts";

/** All names, for `deno task test:c --under`. */
export const CHECKERS = ["address", "thread", "valgrind", "leaks"] as const;

/** The name of a checker. */
export type CheckerName = typeof CHECKERS[number];

/** How to compile and run a program under a checker. */
export interface Checker {
  readonly name: CheckerName;
  /** Its name in output for people. */
  readonly title: string;
  /** Compiler flags. */
  readonly flags: readonly string[];
  /** The command that runs the program, before the program's path; empty if none is needed. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const PLAIN: readonly string[] = ["-O1", "-g"];

/** AddressSanitizer and UndefinedBehaviorSanitizer, which come with the compiler. */
export const ADDRESS: Checker = {
  name: "address",
  title: "ASan and UBSan",
  flags: SANITIZED,
  command: [],
  env: {},
};

const THREAD: Checker = {
  name: "thread",
  title: "ThreadSanitizer",
  flags: [...PLAIN, "-fsanitize=thread"],
  command: [],
  // A finding must end a child, so that its exit code shows it. The default sleep
  // of a second at exit is not needed: the tests have no thread that still works.
  env: { TSAN_OPTIONS: "halt_on_error=1:atexit_sleep_ms=0" },
};

/** Apple's leaks, which finds unreachable memory when the program ends. */
const LEAKS: Checker = {
  name: "leaks",
  title: "leaks",
  flags: PLAIN,
  command: ["leaks", "--quiet", "--atExit", "--"],
  env: {},
};

/** Returns a checker, or the reason why it is not available here. */
export async function findChecker(
  name: CheckerName,
): Promise<Checker | string> {
  switch (name) {
    case "address":
      return ADDRESS;
    case "thread":
      return THREAD;
    case "valgrind": {
      if (Deno.build.os !== "linux") return "valgrind is for Linux";
      const valgrind = await findValgrind();
      if (typeof valgrind === "string") return valgrind;
      return { name, title: "valgrind", flags: PLAIN, ...valgrind };
    }
    case "leaks":
      return Deno.build.os === "darwin" ? LEAKS : "leaks is for macOS";
  }
}

/** Whether the standard error contains a finding. Findings of child processes are there too. */
export function complains(text: string): boolean {
  return /Sanitizer|runtime error:|^==\d+==/m.test(text);
}
