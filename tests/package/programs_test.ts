import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { fileURLToPath } from "node:url";
import type { Ended } from "../helpers/child.ts";
import { pythonItself } from "../helpers/python_itself.ts";
import { SERVICE } from "../helpers/service.ts";
import type { Needs } from "../helpers/permitted.ts";
import { PACKAGE_FOLDER } from "../../tools/package/pack.ts";
import { EmptyProject } from "./empty_project.ts";
import {
  assertRan,
  packageTest,
  packOnce,
  publish,
  publishStandIn,
} from "./packed.ts";
import type { Registry } from "./registry.ts";

/**
 * Tests the programs of the package: the command line and the broker. They are
 * loaded from a registry, as users do, without a checkout and with an empty home.
 * After the download the registry is closed.
 */

const ROOT = new URL("../../", import.meta.url);
const SYSTEMCTL = fileURLToPath(new URL("tests/fixtures/systemctl.py", ROOT));

packOnce();

/** The names of a separate broker. */
const BROKER: Needs = { service: true };
const SYSTEMD: Needs = { linux: "systemd" };

/** The documented command that installs the command line. */
async function installation(): Promise<string> {
  const text = await Deno.readTextFile(new URL("docs/cli.md", PACKAGE_FOLDER));
  const [, line] = /```console\n\$ (deno install [^`]+)\n```/.exec(text) ?? [];
  assert(line, "docs/cli.md has no installation");
  return line;
}

/** The flags for Deno in a command line. */
function flagsIn(line: string): string[] {
  return line.match(/--(?:allow-[\w=.-]+|no-prompt)/g) ?? [];
}

/** A project that loads the package from a registry. */
class Online implements AsyncDisposable {
  #program: string | undefined;

  private constructor(
    readonly project: EmptyProject,
    readonly registry: Registry,
    readonly version: string,
    readonly permissions: readonly string[],
    /** Closes its registry. */
    readonly goOffline: () => Promise<void>,
  ) {}

  static async create(): Promise<Online> {
    const registry = await publish();
    let online = true;
    const goOffline = async (): Promise<void> => {
      if (online) await registry[Symbol.asyncDispose]();
      online = false;
    };
    try {
      const { version } = JSON.parse(
        await Deno.readTextFile(new URL("deno.json", PACKAGE_FOLDER)),
      );
      return new Online(
        await EmptyProject.create(registry.url),
        registry,
        version,
        flagsIn(await installation()),
        goOffline,
      );
    } catch (error) {
      await goOffline();
      throw error;
    }
  }

  /** The specifier of a module of the package. */
  specifier(entry: string): string {
    return `jsr:@streamlib/bridge@${this.version}/${entry}`;
  }

  /** Installs the command line with the documented command. */
  async install(): Promise<void> {
    await this.project.provide("deno", Deno.execPath());
    const root = `${this.project.root}/installed`;
    const line = (await installation())
      .replace("--global", `--quiet --global --root ${root}`);
    const installed = await this.project.execute("/bin/sh", "-c", line);
    assertEquals(installed.code, 0, installed.stderr);
    this.#program = `${root}/bin/streamlib`;
  }

  /** The installed command line. */
  get program(): string {
    assert(this.#program !== undefined, "it was not installed");
    return this.#program;
  }

  /** Runs the command line: the installed one, or else its specifier with the same permissions. */
  streamlib(line: string): Promise<Ended> {
    if (this.#program !== undefined) {
      return this.project.execute(this.#program, ...line.split(" "));
    }
    return this.project.deno(
      "run",
      ...this.permissions,
      this.specifier("cli"),
      ...line.split(" "),
    );
  }

  /** Runs the command line, which must succeed. Returns its stdout. */
  async said(line: string): Promise<string> {
    const { code, stdout, stderr } = await this.streamlib(line);
    assertEquals(code, 0, `${line}: ${stdout}${stderr}`);
    return stdout;
  }

  /** Runs the project's host. Returns which broker it has found. */
  async host(): Promise<{ service: string; embedded: boolean }> {
    const ran = await this.project.run();
    assertRan(ran);
    return JSON.parse(ran.stderr);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.goOffline();
    await this.project[Symbol.asyncDispose]();
  }
}

/** The findings of `broker doctor --json`, by link. */
function findingsIn(text: string): Record<string, string> {
  const rows: { link: string; state: string; found: string }[] = JSON.parse(
    text,
  );
  return Object.fromEntries(
    rows.map(({ link, state, found }) => [link, `${state}: ${found}`]),
  );
}

function programTest(
  name: string,
  needs: Needs,
  body: (online: Online) => Promise<void>,
): void {
  packageTest(name, async () => {
    await using online = await Online.create();
    await body(online);
  }, needs);
}

programTest(
  "the command line's doctor exchanges frames, with no broker and no registry",
  BROKER,
  async (online) => {
    assertMatch(await online.said("--version"), /^streamlib \d+\.\d+\.\d+ \(/);
    // The probe is loaded by its URL, from the modules that were downloaded.
    await online.goOffline();
    const found = findingsIn(await online.said("broker doctor --json"));
    assertMatch(found["shim"]!, /^ok: ABI \d+, from the package, in no file$/);
    assertMatch(found["handshake"]!, /^ok: .*the host runs its own broker$/);
    assertMatch(found["frames"]!, /^ok: 30 sent, 30 received, 30 verified, 0 /);
    assertStringIncludes(found["xpc"]!, "note: no broker");
    assertEquals(
      Object.values(found).filter((text) => text.startsWith("broken")),
      [],
    );
  },
);

programTest(
  "streamlib run serves a tree of programs, with no registry and nothing in the home",
  BROKER,
  async (online) => {
    const { project } = online;
    assertEquals((await project.download()).code, 0);
    await online.install();
    await online.said("--version");
    await online.goOffline();
    const before = [...Deno.readDirSync(project.home)];
    const allowed = "--allow-ffi --allow-env --allow-run --allow-read=.";
    const ended = await online.streamlib(
      `run --isolated -- deno run --quiet --no-prompt ${allowed} host.ts`,
    );
    assertRan(ended);
    assertEquals(JSON.parse(ended.stderr), {
      service: SERVICE,
      embedded: false,
    });
    const found = findingsIn(
      await online.said(`run -- ${online.program} broker doctor --json`),
    );
    assertMatch(found["bootstrap"]!, /^ok: present; its broker /);
    assertMatch(found["control plane"]!, /^ok: /);
    assertEquals([...Deno.readDirSync(project.home)], before);
  },
);

programTest(
  "the broker's module serves in the foreground",
  BROKER,
  async (online) => {
    const { project } = online;
    // The command that messages contain in the package.
    const foreground = await Deno.readTextFile(
      new URL("proto/foreground.ts", PACKAGE_FOLDER),
    );
    const [, line] = /"(deno run [^"]+)"/.exec(foreground) ?? [];
    assertStringIncludes(line!, "jsr:@streamlib/bridge/broker/main");
    assertEquals((await project.download()).code, 0);
    await online.said("--version");
    const [, subcommand, ...args] = line!.split(" ");
    await using broker = project.spawn(
      subcommand!,
      "--no-prompt",
      ...args,
      "--json",
    );
    const ready = JSON.parse(await broker.line(() => true));
    assertEquals(ready, {
      grpc: `unix:${project.home}/.streamlib/run/${SERVICE}.grpc`,
      xpc_service: SERVICE,
      pid: broker.pid,
      version: online.version,
    });
    await online.goOffline();
    assertEquals(await online.host(), { service: SERVICE, embedded: false });
    const status = JSON.parse(await online.said("broker status --json"));
    assertEquals([status.status, status.version], ["healthy", online.version]);
    const found = findingsIn(await online.said("broker doctor --json"));
    assertMatch(found["control plane"]!, /^ok: /);
    broker.signal("SIGTERM");
    assertEquals((await broker.end()).code, 0);
    assertEquals((await online.streamlib("broker status")).code, 3);
  },
);

programTest(
  "an installed broker starts on demand, without its registry",
  { ...BROKER, ...SYSTEMD },
  async (online) => {
    const { project } = online;
    await project.provide("python3", await pythonItself());
    const systemctl = `${project.root}/systemctl`;
    await Deno.copyFile(SYSTEMCTL, systemctl);
    await Deno.chmod(systemctl, 0o755);
    await project.provide("systemctl", systemctl);
    await online.install();
    assertEquals((await project.download()).code, 0);
    const journal = () =>
      Deno.readTextFile(`${project.home}/fake-systemd/journal`)
        .catch((error) => String(error));
    const installed = JSON.parse(await online.said("broker install --json"));
    try {
      assertEquals(installed.state, "listening");
      const unit = await Deno.readTextFile(installed.files[1]);
      const [, start] = /^ExecStart=(.*)$/m.exec(unit)!;
      assertMatch(
        start!,
        / --cached-only .* http:\/\/127\.0\.0\.1:\d+\/@streamlib\/bridge\/[\d.]+\/dist\/broker\/main\.js /,
      );
      const [, shim] = / --allow-ffi=(\S+) /.exec(start!)!;
      const folder = `${project.home}/.streamlib/installed/${SERVICE}-`;
      assertStringIncludes(shim!, folder);
      assert((await Deno.stat(shim!)).isFile);
      // Another project makes Deno look for a newer version of an import, and download another module of it.
      await publishStandIn(online.registry, "1.0.100");
      const another = "jsr:@std/cli@^1.0.100/unicode-width";
      assertEquals((await project.deno("cache", "--no-lock", another)).code, 0);
      await online.goOffline();
      const broker = await online.host().catch(async (error) => {
        throw new Error(`${error.message}\n${await journal()}`);
      });
      assertEquals(broker, { service: SERVICE, embedded: false });
      const status = JSON.parse(await online.said("broker status --json"));
      assertEquals(status.version, online.version);
      assertMatch(status.git_commit, /^[0-9a-f]{40}(-dirty)?$/);
      assert(Date.parse(status.build_date) <= Date.now(), status.build_date);
      // The log shows that this broker served the host.
      assertStringIncludes(await online.said("broker logs"), "ready");
      const updated = JSON.parse(await online.said("broker update --json"));
      assertEquals(updated.files, []);
    } finally {
      await online.said("broker uninstall");
    }
    const left = await filesIn(project.home);
    assertEquals(
      left.filter((path) => !/^(\.cache|fake-systemd)\//.test(path)),
      [],
    );
  },
);

programTest(
  "the demo has its clip without a registry and without the net",
  BROKER,
  async (online) => {
    await online.said("--version");
    await online.goOffline();
    const summary = JSON.parse(await online.said("demo --json --frames 10"));
    assertEquals(
      [summary.input, summary.frames_verified, summary.broker.embedded],
      ["the shipped clip", 10, true],
    );
  },
);

programTest(
  "the documented installation gives a program that needs no registry",
  {},
  async (online) => {
    await online.install();
    await online.goOffline();
    assertStringIncludes(
      await online.said("--version"),
      `streamlib ${online.version} (`,
    );
    assertStringIncludes(await online.said("completions bash"), "complete ");
    // On a Mac its host would have launchd load an agent.
    if (Deno.build.os === "darwin") return;
    const found = findingsIn(await online.said("broker doctor --json"));
    assertMatch(found["frames"]!, /^ok: 30 sent, 30 received, 30 verified/);
  },
);

/** The files below a folder, as relative paths. */
async function filesIn(folder: string, below = ""): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder + below)) {
    const path = `${below}/${name}`;
    if (isDirectory) found.push(...await filesIn(folder, path));
    else found.push(path.slice(1));
  }
  return found.sort();
}
