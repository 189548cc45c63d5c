/**
 * Compares the names that the shim imports from macOS with the reviewed list,
 * `imports.txt`.
 *
 * Each name must be in the list, as strong or weak as in the dylib. libSystem's
 * stub must export it. If it is strong, Apple's header must say that the oldest
 * macOS that we run on has it.
 */

import { stubExports } from "./stub.ts";
import type { Dylib } from "./mach_o.ts";

/** A line of the reviewed list. */
export interface Reviewed {
  /** The name in the object file, with a leading underscore. */
  readonly name: string;
  /** The header that declares it; absent if none does. */
  readonly header?: string;
  readonly weak: boolean;
}

/**
 * Reads the list. A line has a name, its header or `-`, and `weak` if the import
 * is weak. A reason may follow after `#`; it is required for `-` and for `weak`.
 * Throws if a line is wrong.
 */
export function parseImports(text: string): Reviewed[] {
  const seen = new Set<string>();
  return text.split("\n").flatMap((line) => {
    const [code = "", why = ""] = line.split("#", 2).map((part) => part.trim());
    if (code === "") return [];
    const [name = "", header, weak, ...more] = code.split(/\s+/);
    const known = header !== undefined && more.length === 0 &&
      (weak === undefined || weak === "weak");
    if (!known) throw new Error(`Cannot read this import: ${line}`);
    if ((header === "-" || weak) && why === "") {
      throw new Error(`This import needs a reason: ${line}`);
    }
    if (seen.has(name)) throw new Error(`This import is there twice: ${name}`);
    seen.add(name);
    return [{
      name,
      weak: weak !== undefined,
      ...(header !== "-" && { header: header! }),
    }];
  });
}

const strength = (weak: boolean): string => weak ? "weakly" : "strongly";

/** Returns how the dylib's imports differ from the list and the stub; empty if they do not. */
export function importProblems(
  reviewed: readonly Reviewed[],
  dylib: Dylib,
  stub: string,
): string[] {
  const problems: string[] = [];
  const known = new Map(reviewed.map((line) => [line.name, line]));
  const exported = stubExports(stub, dylib.architecture);
  for (const { name, weak } of dylib.imports) {
    const plain = plainName(name);
    const line = known.get(plain);
    known.delete(plain);
    if (!line) {
      problems.push(`${name} is not in the reviewed list`);
    } else if (line.weak !== weak) {
      problems.push(
        `${name} is imported ${strength(weak)}, and reviewed as ` +
          `imported ${strength(line.weak)}`,
      );
    }
    if (!exported.has(name)) problems.push(`${name} is not in libSystem`);
  }
  for (const name of known.keys()) {
    problems.push(`${name} is reviewed, and not imported any more`);
  }
  return problems.map((problem) => `${dylib.architecture}: ${problem}`);
}

/**
 * Returns a C program that compiles, with `-Wunguarded-availability` as an error,
 * if the target's macOS has every strong import according to its header.
 */
export function availabilityProgram(reviewed: readonly Reviewed[]): string {
  const strong = reviewed.filter(({ header, weak }) => header && !weak);
  const headers = new Set(strong.map(({ header }) => header));
  return [
    ...[...headers].sort().map((header) => `#include <${header}>`),
    "__attribute__((used)) static const void *const imports[] = {",
    ...strong.map(({ name }) => `    (const void *)&${cName(name)},`),
    "};",
    "",
  ].join("\n");
}

/** The name on arm64. On Intel the functions with 64-bit inode numbers have a suffix, and memory is cleared by `__bzero`. */
function plainName(name: string): string {
  return name === "___bzero" ? "_bzero" : name.replace(/\$INODE64$/, "");
}

/** The name in C: `_fopen$DARWIN_EXTSN` is fopen. */
function cName(name: string): string {
  return name.slice(1).replace(/\$.*$/, "");
}
