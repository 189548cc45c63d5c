import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { HOST_NEEDS, permittedTest } from "../helpers/permitted.ts";
import { clientCode, hostCode, UserProject } from "../helpers/user_project.ts";

/** What a client has of its host's world: the executable, the project, the environment. Each host is a process of its own. */

/** Kills the client, and prints what becomes of the host and of a new one. */
const RESTART_AND_LAUNCH = `
  const killed = host.clientPid;
  Deno.kill(killed, "SIGKILL");
  while (host.clientPid === killed && host.restarts === 0) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    const over = await Promise.race([host.ended, 0]);
    if (over !== 0) throw over;
  }
  await using fresh = ReactiveHost.launch({ ...options, restart: "never" });
  await fresh.ready;
  console.log("a new one is ready");
  while (host.connectionId === "" || (await host.connectionInfo())?.derived_state !== "ready") {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  console.log("the old one is ready again");`;

permittedTest(
  "a Deno that is replaced or removed while the host runs: clients are started all the same",
  { ...HOST_NEEDS, linux: "/proc/self/exe" },
  async () => {
    for (
      const change of [
        "await Deno.copyFile(me, me + '.new'); await Deno.chmod(me + '.new', 0o755); await Deno.rename(me + '.new', me);",
        "await Deno.remove(me);",
      ]
    ) {
      using project = new UserProject({
        "host.ts": hostCode(
          `const me = Deno.execPath(); ${change} ${RESTART_AND_LAUNCH}`,
        ),
      });
      const deno = `${project.folder}/deno`;
      await Deno.copyFile(Deno.execPath(), deno);
      const { stdout, stderr } = await project.launch(
        { restart: "on-failure" },
        { deno },
      );
      assertStringIncludes(stdout, "a new one is ready", stderr);
      assertStringIncludes(stdout, "the old one is ready again", stderr);
    }
  },
);

permittedTest(
  "a working directory that is changed or removed while the host runs: clients are started all the same",
  { ...HOST_NEEDS, exhaustive: true },
  async () => {
    for (
      const change of [
        "Deno.chdir('/');",
        "Deno.mkdirSync('gone'); Deno.chdir('gone'); Deno.removeSync('../gone');",
      ]
    ) {
      using project = new UserProject({
        "host.ts": hostCode(`${change} ${RESTART_AND_LAUNCH}`),
        "client.ts": clientCode(
          "await Deno.readTextFile(import.meta.filename!);",
        ),
      });
      // Relative to the directory of the first launch; the new one is launched elsewhere.
      const { stdout, stderr } = await project.launch({
        restart: "on-failure",
        permissions: { read: [project.folder] },
      });
      assertStringIncludes(stdout, "a new one is ready", stderr);
      assertStringIncludes(stdout, "the old one is ready again", stderr);
    }
  },
);

permittedTest(
  "relative paths of a host mean the same for its later clients",
  HOST_NEEDS,
  async () => {
    using project = new UserProject({
      "host.ts": hostCode(
        `Deno.chdir("/"); Deno.kill(host.clientPid, "SIGKILL");
         while (host.restarts === 0 || (await host.connectionInfo())?.derived_state !== "ready") {
           await new Promise((resolve) => setTimeout(resolve, 10));
         }
         console.log("again");`,
      ),
      "client.ts": clientCode(
        "console.log('data:', await Deno.readTextFile('data.txt'));",
      ),
      "data.txt": "42",
    });
    await Deno.symlink(Deno.execPath(), `${project.folder}/my_deno`);
    const { stdout, stderr } = await project.launch({
      restart: "on-failure",
      deno: "./my_deno",
      permissions: { read: ["data.txt"] },
    });
    assertEquals(stdout, "ready\nagain\n", stderr);
    assertEquals(stderr.match(/data: 42/g)?.length, 2, stderr);
  },
);

permittedTest(
  "a client in a pid namespace of its own, where its host has no number: it works, and ends with its host",
  { ...HOST_NEEDS, linux: "pid namespaces" },
  async () => {
    using project = new UserProject();
    const wrapper = `${project.folder}/wrapper`;
    await Deno.writeTextFile(
      wrapper,
      `#!/bin/sh
unshare --pid --fork true 2>/dev/null || exec "${Deno.execPath()}" "$@" # needs root
exec unshare --pid --fork --mount-proc --kill-child "${Deno.execPath()}" "$@"\n`,
      { mode: 0o755 },
    );
    const { stdout, stderr } = await project.launch({ deno: wrapper });
    assertEquals(stdout, "ready\n", stderr);
  },
);

permittedTest(
  "a program that is not Deno, but a host of its own, is started once and says what to set",
  HOST_NEEDS,
  async () => {
    using project = new UserProject();
    const itself = `${project.folder}/itself`;
    // As one made by deno compile: it runs its own module, whatever its arguments are.
    await Deno.writeTextFile(
      itself,
      `#!/bin/sh
echo started >> "${project.folder}/starts"
cd "${project.folder}"
exec "${Deno.execPath()}" run -q -A host.ts '{"deno":"${itself}"}'\n`,
      { mode: 0o755 },
    );
    const { stdout } = await project.launch({ deno: itself });
    assertStringIncludes(stdout, "caught client_failed");
    assertEquals(project.read("starts"), "started\n");
  },
);

permittedTest(
  "programs that are permitted by name are found in the host's PATH, or in that of `env`",
  { ...HOST_NEEDS, exhaustive: true },
  async () => {
    using project = new UserProject({
      "client.ts": clientCode(
        "const { stdout } = await new Deno.Command('tool').output(); console.log(new TextDecoder().decode(stdout));",
      ),
      "bin/tool": "#!/bin/sh\necho the tool ran\n",
    });
    await Deno.chmod(`${project.folder}/bin/tool`, 0o755);
    const PATH = `${project.folder}/bin:${Deno.env.get("PATH")}`;
    const permissions = { run: ["tool"] };
    for (
      const { stdout, stderr } of [
        await project.launch({ permissions }, { env: { PATH } }),
        await project.launch({ permissions, env: { PATH } }),
        await project.launch({ permissions: { run: true } }, { env: { PATH } }),
      ]
    ) {
      assertEquals(stdout, "ready\n", stderr);
      assertStringIncludes(stderr, "the tool ran");
    }
  },
);

permittedTest(
  "client and host load modules through the same proxy",
  { ...HOST_NEEDS, net: true },
  async () => {
    const asked: string[] = [];
    const proxy = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      ({ url }) => {
        asked.push(new URL(url).pathname);
        const headers = { "content-type": "application/typescript" };
        return new Response("export {};\n", { headers });
      },
    );
    try {
      const from = (file: string): string =>
        `import "http://modules.invalid/${file}";`;
      using project = new UserProject({
        "client.ts": clientCode("", from("client_part.ts")),
        "host.ts": hostCode("", from("host_part.ts")),
      });
      const { stdout, stderr } = await project.launch({
        permissions: { import: ["modules.invalid:80"] },
      }, {
        env: {
          HTTP_PROXY: `http://127.0.0.1:${proxy.addr.port}`,
          DENO_DIR: `${project.folder}/cache`,
        },
      });
      assertEquals(stdout, "ready\n", stderr);
      assertEquals(asked.length, 2, asked.join());
    } finally {
      await proxy.shutdown();
    }
  },
);

permittedTest(
  "a project with package.json alone: its packages are found, also by a host that may not read",
  { ...HOST_NEEDS, exhaustive: true },
  async () => {
    using project = new UserProject({
      "package.json": '{"type":"module","dependencies":{"part":"1.0.0"}}',
      "node_modules/part/package.json":
        '{"name":"part","version":"1.0.0","main":"main.js","type":"module"}',
      "node_modules/part/main.js": "export const part = 'the part';",
      "client.ts": clientCode(
        "console.log(part);",
        'import { part } from "part";',
      ),
    });
    const { stdout, stderr } = await project.launch();
    assertEquals(stdout, "ready\n", stderr);
    assertStringIncludes(stderr, "the part");
  },
);

permittedTest(
  "the project's lock file binds the client, and is not written",
  { ...HOST_NEEDS, net: true, exhaustive: true },
  async () => {
    const code = "export {};\n";
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      () =>
        new Response(code, {
          headers: { "content-type": "application/typescript" },
        }),
    );
    try {
      const address = `127.0.0.1:${server.addr.port}`;
      const url = `http://${address}/part.ts`;
      const digest = await crypto.subtle.digest(
        "SHA-256",
        new TextEncoder().encode(code),
      );
      const lock = (hash: string): string =>
        JSON.stringify({ version: "5", remote: { [url]: hash } });
      const right = lock(new Uint8Array(digest).toHex());
      const wrong = lock("0".repeat(64));
      const files = {
        "client.ts": clientCode(
          "",
          `import "${url}"; import "http://${address}/not_locked.ts";`,
        ),
      };
      const permissions = { import: [address] };
      const launch = async (
        others: Record<string, string>,
        at: string,
      ): Promise<string> => {
        using project = new UserProject({ ...files, ...others });
        const before = project.read(at);
        const { stdout, stderr } = await project.launch({ permissions }, {
          env: { DENO_DIR: `${project.folder}/cache` },
        });
        assertEquals(project.read(at), before, "the lock file was written");
        return stdout + stderr;
      };
      const config = { "deno.json": "{}" };
      assertStringIncludes(
        await launch({ ...config, "deno.lock": right }, "deno.lock"),
        "ready\n",
      );
      assertStringIncludes(
        await launch({ ...config, "deno.lock": wrong }, "deno.lock"),
        "Integrity check failed",
      );
      assertStringIncludes(
        await launch({
          "deno.jsonc": '{ /* here */ "lock": "locks/my.lock", }',
          "locks/my.lock": wrong,
        }, "locks/my.lock"),
        "Integrity check failed",
      );
      assertStringIncludes(
        await launch({
          "deno.json": '{"lock":false}',
          "deno.lock": wrong,
        }, "deno.lock"),
        "ready\n",
      );
    } finally {
      await server.shutdown();
    }
  },
);

permittedTest(
  "a folder may have any name",
  { ...HOST_NEEDS, exhaustive: true },
  async () => {
    using project = new UserProject({
      "deno.json": '{"imports":{"part":"./part.ts"}}',
      "part.ts": "export const part = 'the part';",
      "client.ts": clientCode(
        "console.log(part, await Deno.readTextFile('a, [b].txt'));",
        'import { part } from "part";',
      ),
      "a, [b].txt": "the file",
    }, "a [x] %20b,c#d?e ü*{f}");
    const file = new URL(import.meta.url);
    file.pathname = encodeURIComponent(`${project.folder}/a, [b].txt`)
      .replaceAll("%2F", "/");
    for (const read of ["a, [b].txt", decodeURIComponent(file.pathname)]) {
      const { stdout, stderr } = await project.launch({
        permissions: { read: [read] },
      });
      assertEquals(stdout, "ready\n", stderr);
      assertStringIncludes(stderr, "the part the file");
    }
    const { stdout } = await project.launch({
      permissions: { read: ["a\nb"] },
    });
    assert(/caught bad_argument .*"a\\nb".*control characters/.test(stdout));
  },
);

permittedTest(
  "what a client prints has no colours, and Deno asks for no newer Deno",
  { ...HOST_NEEDS, exhaustive: true },
  async () => {
    using project = new UserProject({
      "client.ts": clientCode(
        "console.log({ colours: !Deno.noColor }); throw new Error('on purpose');",
      ),
    });
    const { stdout, stderr } = await project.launch({}, {
      env: { NO_COLOR: "", FORCE_COLOR: "1" },
    });
    assertStringIncludes(stderr, "{ colours: false }");
    assert(!stdout.includes("\x1b"), stdout);
  },
);
