/**
 * The user that this process runs as. `Deno.uid` needs the permission `sys`, which a
 * host does not have.
 *
 * @module
 */

const FUNCTIONS = {
  geteuid: { parameters: [], result: "u32" },
} as const;

/** Returns the user's id, by which files that this process makes are owned. Needs `--allow-ffi` for every path. */
export function effectiveUser(): number {
  const path = Deno.build.os === "darwin"
    ? "/usr/lib/libSystem.B.dylib"
    : "libc.so.6";
  const c = Deno.dlopen(path, FUNCTIONS);
  try {
    return c.symbols.geteuid();
  } finally {
    c.close();
  }
}
