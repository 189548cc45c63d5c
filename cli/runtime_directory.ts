/**
 * The user's own directory for sockets, which a systemd login makes.
 *
 * @module
 */

/** Where logind makes a directory for each user who is logged in. */
const USERS = "/run/user";

/**
 * Returns `/run/user/<uid>` if it is the user's private directory: a directory and no
 * link, owned by the user, with no access for others. The shim has the same rule
 * (`c/linux/service_path.c`); `tests/checks/names_test.ts` compares the two.
 *
 * @param users the directory of these directories
 */
export function userRuntimeDirectory(
  userId: number,
  users = USERS,
): string | undefined {
  const path = `${users}/${userId}`;
  try {
    const { isDirectory, uid, mode } = Deno.lstatSync(path);
    const isPrivate = isDirectory && uid === userId &&
      ((mode ?? 0o777) & 0o077) === 0;
    return isPrivate ? path : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return undefined;
  }
}
