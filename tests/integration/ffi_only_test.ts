import { assertEquals, assertMatch } from "@std/assert";
import { run } from "../helpers/child.ts";
import { permittedTest } from "../helpers/permitted.ts";

/** Needs no permission at all: once is enough. */
const NOTHING_NEEDED = "tests/integration/interleavings_test.ts";

/** What may be missing: see helpers/permitted.ts. */
const REASONS =
  /\(ignored: (needs (--allow-|.*, which is Linux's)|launchd was not told|exhaustive, )/;

/** The suite in parts, so that each has its own deadline. The last is what the others leave. */
const PARTS: readonly string[] = [
  "tests/unit/broker",
  "tests/unit/proto",
  "tests/integration",
];
const REST = [".", `--ignore=${PARTS.join(",")}`];

/**
 * Runs the suite as a user would who gives nothing but ffi. What needs more,
 * or more than this system has, is ignored there, with the reason in its name,
 * and nothing else is. Types are the gate's to check.
 */
for (
  const part of [
    ...PARTS.map((path) => [path, `--ignore=${NOTHING_NEEDED}`]),
    REST,
  ]
) {
  permittedTest(
    `deno test --allow-ffi ${part[0]} passes; all that it ignores says why`,
    { run: true },
    async () => {
      const { code, stdout, stderr } = await run(Deno.execPath(), {
        args: ["test", "--allow-ffi", "--no-prompt", "--no-check", ...part],
        cwd: new URL("../../", import.meta.url),
        env: { NO_COLOR: "1" },
      });
      assertEquals(code, 0, stdout + stderr);
      const ignored = stdout.split("\n").filter((l) =>
        / \.\.\. ignored/.test(l)
      );
      for (const line of ignored) {
        assertMatch(line, REASONS);
      }
      assertMatch(stdout, /ok \| \d{3,} passed .*\| 0 failed/);
    },
  );
}
