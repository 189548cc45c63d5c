/** What the C tests are run under: each finds mistakes that no test asserts. */

import { SANITIZED } from "./compile.ts";
import { findValgrind } from "./valgrind.ts";

/** The names of all, for `deno task test:c --under`. */
export const CHECKERS = ["address", "thread", "valgrind", "leaks"] as const;

/** One of them. */
export type CheckerName = typeof CHECKERS[number];

/** How to compile and run a program under one of them. */
export interface Checker {
  readonly name: CheckerName;
  /** For people. */
  readonly title: string;
  /** To compile it with. */
  readonly flags: readonly string[];
  /** What runs it, before its own path; nothing if it runs by itself. */
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
  // A child that has something to say must not look as if all were well. The
  // tests have settled when they end: there is nothing to wait a second for.
  env: { TSAN_OPTIONS: "halt_on_error=1:atexit_sleep_ms=0" },
};

/** Apple's, which looks for what nothing refers to when the program ends. */
const LEAKS: Checker = {
  name: "leaks",
  title: "leaks",
  flags: PLAIN,
  command: ["leaks", "--quiet", "--atExit", "--"],
  env: {},
};

/** What is asked for, or the reason why it cannot be had here. */
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

/** Whether something was found, by what was said on the standard error: other processes say theirs there too. */
export function complains(text: string): boolean {
  return /Sanitizer|runtime error:|^==\d+==/m.test(text);
}
