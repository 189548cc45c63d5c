/**
 * Tests that need more than `--allow-ffi`.
 *
 * Without the permission such a test is reported as ignored, with the reason
 * in its name, and never counts as passed. What it needs beyond ffi it imports
 * inside its body.
 */

/** What a test needs beyond ffi. */
export interface Needs {
  read?: true;
  write?: true;
  run?: true;
  net?: true;
  env?: true;
  sys?: true;
}

/** Registers `body`, ignored with the reason in its name where a permission is missing. */
export function permittedTest(
  name: string,
  needs: Needs,
  body: (t: Deno.TestContext) => Promise<void> | void,
  options: Partial<Deno.TestDefinition> = {},
): void {
  const missing = (Object.keys(needs) as (keyof Needs)[]).filter((kind) =>
    Deno.permissions.querySync({ name: kind }).state !== "granted"
  );
  Deno.test({
    ...options,
    name: missing.length === 0
      ? name
      : `${name} (ignored: needs ${
        missing.map((m) => `--allow-${m}`).join(" ")
      })`,
    ignore: options.ignore === true || missing.length > 0,
    fn: body,
  });
}
