/**
 * What tests need and what is made once, then kept: packages that are
 * downloaded, programs that are compiled. That takes minutes on a slow machine
 * or over a slow net, so it is no part of a test, each of which has a limit.
 */

import { soon } from "./soon.ts";

const LIMIT_MS = 1_800_000;

const NEEDS = ["run", "read", "write", "env"] as const;

/** What `work` comes to. Throws with `what` when it takes too long. */
export function prepared<T>(what: string, work: Promise<T>): Promise<T> {
  return soon(work, what, LIMIT_MS);
}

/** Has `work` done before the first test of a file, where it may run programs. */
export function prepare(what: string, work: () => Promise<unknown>): void {
  Deno.test.beforeAll(async () => {
    const may = NEEDS.every((name) =>
      Deno.permissions.querySync({ name }).state === "granted"
    );
    if (may) await prepared(what, work());
  });
}
