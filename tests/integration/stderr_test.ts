import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { kill, statusOf } from "../helpers/child.ts";
import { HOST_NEEDS, permittedTest } from "../helpers/permitted.ts";
import { clientCode, hostCode, UserProject } from "../helpers/user_project.ts";

/** Hosts whose stderr takes nothing, while the client prints 2 MB. */

const PRINTS = clientCode(
  "for (let n = 0; n < 2000; n++) console.log('x'.repeat(1000));",
);
/** The host and its client still answer each other. */
const WAITS = "await host.connectionInfo(); console.log('done');";

permittedTest(
  "a stderr that nobody reads holds up neither the frames nor the host's end",
  HOST_NEEDS,
  async () => {
    using project = new UserProject({
      "client.ts": PRINTS,
      "host.ts": hostCode(WAITS),
    });
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-prompt", "--allow-all", "host.ts"],
      cwd: project.folder,
      env: { STREAMLIB_HOME: `${project.folder}/home` },
      stdout: "null",
      stderr: "piped",
    }).spawn();
    try {
      assertEquals((await statusOf(child, "the host's end")).code, 0);
    } finally {
      await kill(child);
      await child.stderr.cancel();
    }
  },
);

permittedTest(
  "a full disk behind stderr is no failure of the host",
  { ...HOST_NEEDS, linux: "/dev/full" },
  async () => {
    using project = new UserProject({
      "client.ts": PRINTS,
      "host.ts": hostCode(WAITS),
    });
    const shell = `${project.folder}/shell`;
    await Deno.writeTextFile(
      shell,
      `#!/bin/sh\nexec "${Deno.execPath()}" "$@" 2>/dev/full\n`,
      { mode: 0o755 },
    );
    const { code, stdout } = await project.launch({}, { deno: shell });
    assertEquals(code, 0);
    assertStringIncludes(stdout, "done");
  },
);

/** Starts another host, and waits until each has restarted its client once. */
const TWO_HOSTS = hostCode(`
  await using right = ReactiveHost.launch({ ...options, processorId: "blur right" });
  await right.ready;
  for (const one of [host, right]) {
    Deno.kill(one.clientPid, "SIGKILL");
    while (one.restarts === 0) await new Promise((r) => setTimeout(r, 10));
    await one.settings.set({}, { timeoutMs: 60_000 }); // waits for the new client
  }
`);

permittedTest(
  "each line on stderr names its host: the processor's id, or the module's file",
  HOST_NEEDS,
  async () => {
    using project = new UserProject({ "host.ts": TWO_HOSTS });
    const { stderr } = await project.launch({ restart: "on-failure" });
    assertEquals(
      stderr,
      ["client.ts", "blur right"].flatMap((name) => [
        `streamlib: ${name}: the client was killed by SIGKILL\n`,
        `streamlib: ${name}: starting a new client in 100 ms (restart 1 of 8 in a row)\n`,
      ]).join(""),
    );
  },
);

permittedTest(
  "what a client writes itself on stderr has its name",
  HOST_NEEDS,
  async () => {
    using project = new UserProject({
      "client.ts": clientCode("throw new Error('no model');"),
    });
    for (const name of [undefined, "blur: left"]) {
      const { stderr, stdout } = await project.launch(
        name === undefined ? {} : { processorId: name },
      );
      assertStringIncludes(stdout, "caught client_failed");
      const line = `streamlib client: ${name ?? "client.ts"}: client_failed: `;
      assert(stderr.startsWith(`${line}Error: no model\n`), stderr);
    }
  },
);

permittedTest(
  "an error that the host raises itself is not repeated by its client",
  HOST_NEEDS,
  async () => {
    using project = new UserProject({
      "slow.ts": clientCode("await new Promise((r) => setTimeout(r, 60_000));"),
    });
    const slow = new URL(`file://${project.folder}/slow.ts`).href;
    const options = [
      [{ settings: { amount: 7 } }, "bad_argument"],
      [{ module: slow, timeoutSecs: 3 }, "timed_out"],
    ] as const;
    for (const [given, code] of options) {
      const { stderr, stdout } = await project.launch(given);
      assertStringIncludes(stdout, `caught ${code}`);
      assertEquals(stderr, "");
    }
  },
);
