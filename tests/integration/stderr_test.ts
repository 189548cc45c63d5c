import { assertEquals, assertStringIncludes } from "@std/assert";
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
