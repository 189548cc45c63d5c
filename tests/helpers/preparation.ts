/**
 * Prepares what tests need and keep: packages that are downloaded, programs that
 * are compiled. This takes minutes on a slow machine or network, so it is done
 * before the tests, which have time limits.
 */

import { soon } from "./soon.ts";

const LIMIT_MS = 1_800_000;

const NEEDS = ["run", "read", "write", "env"] as const;

/** Returns the result of `work`. Throws with `what` if it takes too long. */
export function prepared<T>(what: string, work: Promise<T>): Promise<T> {
  return soon(work, what, LIMIT_MS);
}

/** Runs `work` before the first test of a file, if the tests have the permissions for it. */
export function prepare(what: string, work: () => Promise<unknown>): void {
  Deno.test.beforeAll(async () => {
    const may = NEEDS.every((name) =>
      Deno.permissions.querySync({ name }).state === "granted"
    );
    if (may) await prepared(what, work());
  });
}
