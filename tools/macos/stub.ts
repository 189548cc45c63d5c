/**
 * Apple's text-based stubs (`.tbd`), the list of what a system library exports.
 * Only as much of the format as libSystem's stub needs.
 */

import type { Architecture } from "./mach_o.ts";

/** The targets under which a name may be listed. zig links arm64 with what is there for arm64e. */
const TARGETS: Record<Architecture, RegExp> = {
  arm64: /\barm64e?-macos\b/,
  x86_64: /\bx86_64-macos\b/,
};

/** Every name that the stub, with the libraries that it re-exports, has for the processor. */
export function stubExports(
  stub: string,
  architecture: Architecture,
): Set<string> {
  const names = new Set<string>();
  const entry =
    /- targets:\s*\[([^\]]*)\]((?:\s*[\w-]*symbols:\s*\[[^\]]*\])+)/g;
  for (const [, targets, lists] of stub.matchAll(entry)) {
    if (!TARGETS[architecture].test(targets!)) continue;
    for (const [, list] of lists!.matchAll(/\[([^\]]*)\]/g)) {
      for (const name of list!.split(",")) {
        names.add(name.trim().replace(/^'(.*)'$/, "$1"));
      }
    }
  }
  return names;
}
