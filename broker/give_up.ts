/**
 * What a broker process may do no more once it serves.
 *
 * @module
 */

/**
 * Gives up, for good, what was needed to start alone: to load a library, the
 * shim being loaded, and, where no log file is written, to read and write
 * files. So what a compiled broker has without a scope, since no path is known
 * when it is made, it has until it serves.
 *
 * For the main module of a process; an embedded broker shares its host's.
 */
export function giveUpAfterStart(keepsFiles: boolean): void {
  Deno.permissions.revokeSync({ name: "ffi" });
  if (keepsFiles) return;
  Deno.permissions.revokeSync({ name: "read" });
  Deno.permissions.revokeSync({ name: "write" });
}
