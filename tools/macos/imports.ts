/**
 * What the shim takes from macOS, against the reviewed list `imports.txt`.
 *
 * Per name: it is in the list as the dylib has it, libSystem's stub exports it,
 * and where it is imported strongly, Apple's own header says that the oldest
 * macOS that we run on has it.
 */

import { stubExports } from "./stub.ts";
import type { Dylib } from "./mach_o.ts";

/** A line of the reviewed list. */
export interface Reviewed {
  /** As in the object file: with the leading underscore. */
  readonly name: string;
  /** The header that declares it; absent if none does. */
  readonly header?: string;
  readonly weak: boolean;
}

/**
 * Reads the list: per line a name, its header or `-`, and `weak` where it is.
 * After `#` comes why, and one without a header, or weak, must say so. Throws
 * at what is not like that.
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

/** What of the dylib's imports is not as the list or the stub has it; empty if all is. */
export function importProblems(
  reviewed: readonly Reviewed[],
  dylib: Dylib,
  stub: string,
): string[] {
  const problems: string[] = [];
  const known = new Map(reviewed.map((line) => [line.name, line]));
  const exported = stubExports(stub, dylib.architecture);
  for (const { name, weak } of dylib.imports) {
    const plain = withoutInodes(name);
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
 * A C program that compiles, with `-Wunguarded-availability` as an error, if
 * the header of every strong import declares it for a macOS that is no newer
 * than the one compiled for.
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

/** Intel's first macOS had shorter numbers of files; what has today's is `_fstat$INODE64` there, and `_fstat` on the others. */
function withoutInodes(name: string): string {
  return name.replace(/\$INODE64$/, "");
}

/** `_fopen$DARWIN_EXTSN` is what C calls fopen. */
function cName(name: string): string {
  return name.slice(1).replace(/\$.*$/, "");
}
