import { assertEquals, assertMatch } from "@std/assert";
import { permittedTest } from "../helpers/permitted.ts";

/** Runs for two minutes, without any permission: once is enough. */
const NOTHING_NEEDED = "tests/integration/interleavings_test.ts";

/** What may be missing: see helpers/permitted.ts. */
const REASONS =
  /\(ignored: (needs (--allow-|.*, which is Linux's)|launchd was not told)/;

/**
 * Runs the suite as a user would who gives nothing but ffi. What needs more,
 * or more than this system has, is ignored there, with the reason in its name,
 * and nothing else is.
 */
permittedTest("deno test --allow-ffi passes; all that it ignores says why", {
  run: true,
}, async () => {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["test", "--allow-ffi", "--no-prompt", `--ignore=${NOTHING_NEEDED}`],
    cwd: new URL("../../", import.meta.url),
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const text = new TextDecoder().decode(stdout);
  assertEquals(code, 0, text + new TextDecoder().decode(stderr));
  const ignored = text.split("\n").filter((l) => / \.\.\. ignored/.test(l));
  for (const line of ignored) {
    assertMatch(line, REASONS);
  }
  assertMatch(text, /ok \| \d{3,} passed .*\| 0 failed/);
});
