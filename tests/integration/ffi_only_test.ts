import { assertEquals, assertMatch } from "@std/assert";
import { run } from "../helpers/child.ts";
import { permittedTest } from "../helpers/permitted.ts";

/** A file that needs no permission. Other runs include it, so it is left out here. */
const NOTHING_NEEDED = "tests/integration/interleavings_test.ts";

/** The reasons for which a test may be ignored: see helpers/permitted.ts. */
const REASONS =
  /\(ignored: (needs (--allow-|.*, which is Linux's)|launchd was not told|exhaustive, )/;

/** The part that a quick run tries; it runs the tests of all others with all permissions. */
const SAMPLE = "tests/unit/channel";

/** The deadline of a part, in milliseconds. It runs hundreds of tests: 34 s on two quiet cores, 2 min beside the exhaustive tests. */
const LIMIT_MS = 20 * 60_000;

/** The parts of the suite. */
const PARTS: readonly string[] = [
  SAMPLE,
  "tests/unit/broker",
  "tests/unit/proto",
  "tests/integration",
];
const REST = [".", `--ignore=${PARTS.join(",")}`];

/**
 * Runs the suite with only the permission ffi. The tests that need another
 * permission, or something that this system does not have, must be ignored with
 * the reason in their name, and no others. `deno task ok` checks the types.
 */
for (
  const part of [
    ...PARTS.map((path) => [path, `--ignore=${NOTHING_NEEDED}`]),
    REST,
  ]
) {
  permittedTest(
    `deno test --allow-ffi ${part[0]} passes; all that it ignores says why`,
    part[0] === SAMPLE ? { run: true } : { run: true, exhaustive: true },
    async () => {
      const { code, stdout, stderr } = await run(Deno.execPath(), {
        args: ["test", "--allow-ffi", "--no-prompt", "--no-check", ...part],
        cwd: new URL("../../", import.meta.url),
        env: { NO_COLOR: "1" },
        limitMs: LIMIT_MS,
      });
      assertEquals(code, 0, stdout + stderr);
      const ignored = stdout.split("\n").filter((l) =>
        / \.\.\. ignored/.test(l)
      );
      for (const line of ignored) {
        assertMatch(line, REASONS);
      }
      assertMatch(stdout, /ok \| \d{2,} passed .*\| 0 failed/);
    },
  );
}
