/**
 * Permissions that a broker process gives up once it serves.
 *
 * @module
 */

/**
 * Revokes permissions that only the start needs: ffi, because the shim is loaded
 * now, and, without a log file, read and write. A compiled broker is built
 * before any path is known, so its permissions have no scope; this limits them
 * to the time of its start.
 *
 * Only for the main module of a broker process: an embedded broker shares the
 * permissions of its host.
 */
export function giveUpAfterStart(keepsFiles: boolean): void {
  Deno.permissions.revokeSync({ name: "ffi" });
  if (keepsFiles) return;
  Deno.permissions.revokeSync({ name: "read" });
  Deno.permissions.revokeSync({ name: "write" });
}
