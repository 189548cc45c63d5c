import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { pathToFileURL } from "node:url";
import { BridgeError, type HostOptions, ReactiveHost } from "../../host/mod.ts";
import type { NoPorts } from "../../proto/schema/connection_schema.ts";
import { FakePrograms } from "../helpers/fake_python.ts";
import { isolatedHome } from "../helpers/home.ts";
import { HOST_NEEDS, permittedTest } from "../helpers/permitted.ts";
import { soon, until } from "../helpers/soon.ts";

/** How a host starts a client in Python, with programs in the place of interpreters: none of them is one. */

const FOLDER = new URL("../../client/python", import.meta.url).pathname;

/** Launches a host of a module, whose client fails. Returns the failure. */
async function failureOf(
  module: string,
  options: Partial<HostOptions<NoPorts, NoPorts>>,
): Promise<BridgeError> {
  await using host = ReactiveHost.launch({
    module: pathToFileURL(module),
    output: () => {},
    warn: () => {},
    ...options,
  });
  const failure = await soon(
    host.ready.then(() => undefined, (error) => error),
    "the failure",
  );
  assert(failure instanceof BridgeError, String(failure));
  return failure;
}

permittedTest(
  "a client in Python: its command line, and what of the environment it has",
  HOST_NEEDS,
  async () => {
    using _ = isolatedHome();
    using fake = new FakePrograms();
    const module = fake.write("app/blur.py", "");
    const python = fake.python(
      "app/.venv/bin/python",
      'for each in "$@"; do echo "arg $each"; done >&2',
      'echo "bytecode $PYTHONDONTWRITEBYTECODE, path $PYTHONPATH" >&2',
      'test -r "$STREAMLIB_LIBRARY" && echo "a shim" >&2',
      'test -n "$DENO_NO_UPDATE_CHECK" && echo "of Deno" >&2',
      "exit 3",
    );
    const { code, message } = await failureOf(module, {
      processorId: "blur left",
      env: { PYTHONPATH: "/mine" },
    });
    assertEquals(code, "client_failed");
    const lines = ["-u", "-X", "utf8", FOLDER, module, "blur left"]
      .map((each) => `arg ${each}`);
    assertStringIncludes(message, "the client exited with code 3");
    assertStringIncludes(
      message,
      [...lines, "bytecode 1, path /mine", "a shim"].join("\n"),
    );
    assert(!message.includes("of Deno"), message);
    assertEquals(fake.asked(python), 1);
  },
);

permittedTest(
  "a client in Python: what it says before it has a channel keeps its code, and a missing package names the interpreter",
  HOST_NEEDS,
  async () => {
    using _ = isolatedHome();
    using fake = new FakePrograms();
    const module = fake.write("blur.py", "");
    const old = fake.python(
      "old",
      'echo "streamlib client: blur.py: version_mismatch: Cannot run with Python 3.6" >&2',
      "exit 1",
    );
    const tooOld = await failureOf(module, { python: old });
    assertEquals(tooOld.code, "version_mismatch");
    assertStringIncludes(tooOld.message, "Cannot run with Python 3.6");

    const bare = fake.python(
      "bare",
      "echo \"ModuleNotFoundError: No module named 'cv2'\" >&2",
      "exit 1",
    );
    const { message } = await failureOf(module, { python: bare });
    assertStringIncludes(
      message,
      `\nthe interpreter was ${bare} (the option \`python\`); install what has 'cv2' for it, or set the option`,
    );
    const gone = await failureOf(module, { python: `${fake.folder}/none` });
    assertEquals(gone.code, "client_failed");
    assertStringIncludes(
      gone.message,
      `Cannot run the client with ${fake.folder}/none`,
    );
  },
);

permittedTest(
  "a client in Python: a script is asked once for all clients of a process, also after a failure",
  HOST_NEEDS,
  async () => {
    using _ = isolatedHome();
    using fake = new FakePrograms();
    const module = fake.write("blur.py", "");
    const python = fake.python("python", "exit 3");
    let restarts = 0;
    await using host = ReactiveHost.launch({
      module: pathToFileURL(module),
      python,
      output: () => {},
      restart: "on-failure",
      onRestart: () => void restarts++,
    });
    host.ready.catch(() => {});
    await until("two restarts", () => restarts >= 2);
    assertEquals(fake.asked(python), 1);
  },
);

permittedTest(
  "a client in Python: a host that is closed while uv works ends it, and starts no client",
  HOST_NEEDS,
  async () => {
    using _ = isolatedHome();
    using fake = new FakePrograms();
    const module = fake.write(
      "blur.py",
      "# /// script\n# dependencies = []\n# ///\n",
    );
    fake.script("bin/uv", 'echo $$ > "$0.pid"', "exec sleep 600");
    const before = Deno.env.get("PATH")!;
    Deno.env.set("PATH", `${fake.folder}/bin:${before}`);
    try {
      const host = ReactiveHost.launch({
        module: pathToFileURL(module),
        python: "uv",
        output: () => {},
      });
      host.ready.catch(() => {});
      const pid = (): number => {
        try {
          return Number(Deno.readTextFileSync(`${fake.folder}/bin/uv.pid`));
        } catch {
          return 0;
        }
      };
      await until("uv", () => pid() > 0);
      await soon(host.close(), "close");
      assertEquals(host.clientPid, 0);
      await until("the end of uv", () => {
        try {
          Deno.kill(pid(), "SIGCONT");
          return false;
        } catch {
          return true;
        }
      });
    } finally {
      Deno.env.set("PATH", before);
    }
  },
);
