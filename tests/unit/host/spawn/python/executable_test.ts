import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { LaunchPlace } from "../../../../../host/spawn/client_kind.ts";
import { executableOf } from "../../../../../host/spawn/python/executable.ts";
import { runTool } from "../../../../../host/spawn/python/tool.ts";
import { BridgeError } from "../../../../../proto/errors.ts";
import { FakePrograms } from "../../../../helpers/fake_python.ts";
import { permittedTest } from "../../../../helpers/permitted.ts";

const NEEDS = { read: true, write: true, run: true } as const;
const { signal } = new AbortController();
const PLACE: LaunchPlace = { folder: "/", variable: () => undefined };
const run = (program: string, args: readonly string[]) =>
  runTool(program, args, { folder: "/", signal });
const never = () => Promise.reject(new Error("it was run"));

permittedTest(
  "the executable: a program is taken as it is, a script is asked once",
  NEEDS,
  async () => {
    using fake = new FakePrograms();
    const program = fake.write("python3", "\x7fELF", 0o755);
    const candidate = { program, because: "a test" };
    assertEquals(await executableOf(candidate, PLACE, never), candidate);

    const script = fake.python("shims/python3");
    for (let i = 0; i < 2; i++) {
      const found = { program: script, because: "a test" };
      assertEquals(await executableOf(found, PLACE, run), found);
    }
    assertEquals(fake.asked(script), 1);
    // Which one a script runs can depend on the folder, as pyenv's does.
    await executableOf({ program: script, because: "a test" }, {
      ...PLACE,
      folder: fake.folder,
    }, run);
    assertEquals(fake.asked(script), 2);
  },
);

permittedTest(
  "the executable: what cannot be run, or is no Python, says so",
  NEEDS,
  async () => {
    using fake = new FakePrograms();
    const wrong: [program: string, says: string][] = [
      [`${fake.folder}/none`, "No such file or directory"],
      [fake.write("text", "#!/bin/sh\n"), "Permission denied"],
      [
        fake.script("old", 'echo "no version set" >&2', "exit 127"),
        "ended with code 127 and wrote: no version set",
      ],
      [
        fake.script("echo", 'echo "hello"'),
        "ended with code 0 and wrote: hello",
      ],
    ];
    for (const [program, says] of wrong) {
      const error = await assertRejects(
        () =>
          executableOf({ program, because: "the option `python`" }, PLACE, run),
        BridgeError,
        `Cannot run the client with ${program} (the option \`python\`): `,
      );
      assertEquals(error.code, "client_failed");
      assertStringIncludes(error.message, says);
      assertStringIncludes(error.message, "set the option `python`");
    }
  },
);
