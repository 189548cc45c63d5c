/**
 * Reads Apple's text-based stubs (`.tbd`), which list the exports of a system
 * library. Only the part of the format that libSystem's stub uses.
 */

import type { Architecture } from "./mach_o.ts";

/** The targets that count for a processor. zig links arm64 with the names for arm64e too. */
const TARGETS: Record<Architecture, RegExp> = {
  arm64: /\barm64e?-macos\b/,
  x86_64: /\bx86_64-macos\b/,
};

/** Returns all names in the stub for the processor, with those of re-exported libraries. */
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
