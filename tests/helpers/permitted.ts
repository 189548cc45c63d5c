/**
 * Tests that need more than `--allow-ffi`, more than a Mac gives them, or more
 * time than `deno task test` has.
 *
 * Where that is missing such a test is reported as ignored, with the reason in
 * its name, and never counts as passed. What it needs beyond ffi it imports
 * inside its body.
 */

import { firstError } from "../../proto/errors.ts";
import { soon } from "./soon.ts";

/** Permissions beyond ffi. */
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
   * It serves, or has something serve, an XPC name of its own. On macOS that
   * is for launchd to allow, which was not told of the name; and a host that
   * finds no broker would have launchd load an agent, for a home that is gone
   * after the test.
   */
  service?: true;
  /** What only Linux has of what it looks at or is about, as a noun: `/proc`. */
  linux?: string;
  /**
   * It repeats or enumerates what another test samples. It runs only where
   * the test's process has the argument `--exhaustive`.
   */
  exhaustive?: true;
}

/** A test fails when it takes longer. An exhaustive one is given more. */
const LIMIT_MS = 240_000;
const EXHAUSTIVE_LIMIT_MS = 3_000_000;

/** What this machine or this process lacks of it, in words. */
function lacks(
  { service, linux, exhaustive, ...permissions }: Needs,
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
  ];
}

/**
 * Registers `body`, ignored with the reason in its name where something is
 * missing. It fails, and the next test begins, when it does not end in time.
 */
export function permittedTest(
  name: string,
  needs: Needs,
  body: (t: Deno.TestContext) => Promise<void> | void,
  options: Partial<Deno.TestDefinition> = {},
): void {
  const lacking = lacks(needs);
  const limitMs = needs.exhaustive ? EXHAUSTIVE_LIMIT_MS : LIMIT_MS;
  Deno.test({
    ...options,
    name: lacking.length === 0
      ? name
      : `${name} (ignored: ${lacking.join("; ")})`,
    ignore: options.ignore === true || lacking.length > 0,
    fn: async (t) => {
      try {
        await soon(Promise.resolve(body(t)), "the test", limitMs);
      } catch (error) {
        throw firstError(error);
      }
    },
  });
}
