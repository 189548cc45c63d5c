/**
 * Tests that need more permissions than `--allow-ffi`, something that macOS does
 * not have, or more time than `deno task test` has.
 *
 * If something is missing, the test is reported as ignored, with the reason in
 * its name, and never counts as passed. Modules that need more than ffi are
 * imported inside its body.
 */

import { firstError } from "../../proto/errors.ts";
import { soon } from "./soon.ts";

/** Permissions besides ffi. */
interface Permissions {
  read?: true;
  write?: true;
  run?: true;
  net?: true;
  env?: true;
  sys?: true;
}

/** What a test needs. */
export interface Needs extends Permissions {
  /**
   * The test serves an XPC name, or starts a process that does. On macOS only
   * launchd can allow that, and it does not know the name. A host that finds
   * no broker there would also let launchd load an agent, for a home that does
   * not exist after the test.
   */
  service?: true;
  /** The subject of the test that only Linux has, as a noun: `/proc`. */
  linux?: string;
  /**
   * The test repeats or enumerates what another test samples. It runs only if
   * the test's process has the argument `--exhaustive`. With `--not-quick`,
   * which comes after a run without it, only such tests are registered.
   */
  exhaustive?: true;
  /** What else this machine lacks for the test; `undefined` if nothing. */
  lacking?: string | undefined;
  /** The test has many steps, each with a deadline of its own, so it has the time limit of an exhaustive one. */
  long?: true;
}

/** What a test needs that launches a host with a client. */
export const HOST_NEEDS = {
  run: true,
  read: true,
  write: true,
  env: true,
  service: true,
} as const satisfies Needs;

/** The time limits of a test and of an exhaustive test. */
const LIMIT_MS = 240_000;
const EXHAUSTIVE_LIMIT_MS = 3_000_000;

/** Describes the needs that this machine or this process does not meet. */
function lacks(
  { service, linux, exhaustive, lacking, long: _long, ...permissions }: Needs,
): string[] {
  const missing = (Object.keys(permissions) as (keyof Permissions)[])
    .filter((name) => Deno.permissions.querySync({ name }).state !== "granted")
    .map((name) => `--allow-${name}`);
  const system = Deno.build.os;
  return [
    ...(missing.length > 0 ? [`needs ${missing.join(" ")}`] : []),
    ...(linux !== undefined && system !== "linux"
      ? [`needs ${linux}, which is Linux's`]
      : []),
    ...(service && system === "darwin"
      ? ["launchd was not told of its service"]
      : []),
    ...(exhaustive && !Deno.args.includes("--exhaustive")
      ? ["exhaustive, run by deno task test:all"]
      : []),
    ...(lacking !== undefined ? [lacking] : []),
  ];
}

/** A name with what is lacking, for which the test or step is ignored. */
function named(
  name: string,
  lacking: readonly string[],
): { name: string; ignore: boolean } {
  return lacking.length === 0
    ? { name, ignore: false }
    : { name: `${name} (ignored: ${lacking.join("; ")})`, ignore: true };
}

/**
 * Registers `body` as a test. If something is missing, the test is ignored, with
 * the reason in its name. If it does not end in time, it fails and the next test begins.
 */
export function permittedTest(
  name: string,
  needs: Needs,
  body: (t: Deno.TestContext) => Promise<void> | void,
  options: Omit<Partial<Deno.TestDefinition>, "ignore"> = {},
): void {
  if (!needs.exhaustive && Deno.args.includes("--not-quick")) return;
  const lacking = lacks(needs);
  const limitMs = needs.exhaustive || needs.long
    ? EXHAUSTIVE_LIMIT_MS
    : LIMIT_MS;
  Deno.test({
    ...options,
    ...named(name, lacking),
    fn: async (t) => {
      try {
        await soon(Promise.resolve(body(t)), "the test", limitMs);
      } catch (error) {
        throw firstError(error);
      }
    },
  });
}

/**
 * Runs `body` as a step of a test. If this machine lacks something for it, the
 * step is ignored, with the reason in its name.
 *
 * @param lacking what it lacks; `undefined` if nothing
 */
export async function permittedStep(
  t: Deno.TestContext,
  name: string,
  lacking: string | undefined,
  body: (t: Deno.TestContext) => Promise<void>,
): Promise<void> {
  await t.step({
    ...named(name, lacking === undefined ? [] : [lacking]),
    fn: body,
  });
}
