import { assertEquals, assertStringIncludes } from "@std/assert";
import { run } from "../helpers/child.ts";
import { permittedTest } from "../helpers/permitted.ts";

/**
 * A client hears the bell of its queue before it has loaded `node:net`, and all
 * its bells afterwards. Without STREAMLIB_CONNECTION_ID no process is a client.
 */

const NEEDS = { run: true, read: true, env: true } as const;

const ASKED_ONCE = { answers: 100, lane: false };

async function start(
  how: string,
  fixture = "early_bells.ts",
): Promise<{ code: number; stdout: string; stderr: string }> {
  return await run(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--allow-ffi",
      "--allow-read",
      "--allow-env",
      "--allow-net=127.0.0.1",
      "--no-check",
      new URL(`../fixtures/${fixture}`, import.meta.url).href,
      how,
    ],
    env: { STREAMLIB_CONNECTION_ID: "0".repeat(32) },
  });
}

for (
  const [how, said] of [
    ["started", { ...ASKED_ONCE, answers: 300 }],
    ["unstarted", ASKED_ONCE],
    ["late", ASKED_ONCE],
    ["lane", { ...ASKED_ONCE, lane: true }],
  ] as const
) {
  permittedTest(
    `the bells of a client ring, and it ends by itself: ${how}`,
    NEEDS,
    async () => {
      const { code, stdout, stderr } = await start(how);
      assertEquals(stderr, "");
      assertEquals(JSON.parse(stdout), said);
      assertEquals(code, 0);
    },
  );
}

permittedTest(
  "an error that nobody catches ends a client before it has started",
  NEEDS,
  async () => {
    const { code, stderr } = await start("throws");
    assertStringIncludes(stderr, "thrown");
    assertEquals(code, 1);
  },
);

permittedTest(
  "a client that asks for a later turn of its event loop lets no promise callback run before",
  NEEDS,
  async () => {
    const { stdout, stderr } = await start("", "later_turn.ts");
    assertEquals(
      stdout,
      "end of the callback\npromise\nlater turn\n",
      stderr,
    );
  },
);
