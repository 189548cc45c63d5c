import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import type { HostLine } from "../fixtures/exchanging_host.ts";
import { Checkout, type Program } from "../helpers/checkout.ts";
import type { Ended } from "../helpers/child.ts";
import { permittedStep, permittedTest } from "../helpers/permitted.ts";
import { SERVICE } from "../helpers/service.ts";
import { until } from "../helpers/soon.ts";
import { SystemdContainer } from "../helpers/systemd_container.ts";

const UNIT = `${SERVICE}.service`;

/** A user of a real systemd, with a checkout, a Deno and an empty cache of their own. */
class Session {
  readonly checkout: string;
  /** The Deno that the broker is installed with. */
  readonly deno: string;
  /** A second one, for the command line where the first is broken. */
  readonly other: string;
  readonly units: string;

  constructor(readonly container: SystemdContainer) {
    const { home } = container;
    this.checkout = `${home}/streamlib`;
    this.deno = `${home}/bin/deno`;
    this.other = `${home}/other`;
    this.units = `${home}/.config/systemd/user`;
  }

  /** Brings the files into the container. */
  async prepare(): Promise<void> {
    await using checkout = await Checkout.make();
    const { container } = this;
    await container.copy(checkout.path, this.checkout);
    await Deno.mkdir(container.path(`${container.home}/bin`));
    await container.copy(Deno.execPath(), this.deno);
    await container.copy(Deno.execPath(), this.other);
  }

  /** Runs the command line, by default in a session and with the Deno of the broker. */
  streamlib(
    line: string,
    { env = this.container.session(), deno = this.deno } = {},
  ): Promise<Ended> {
    return this.container.run([
      deno,
      "run",
      "-q",
      "--no-prompt",
      "--no-check",
      `--config=${this.checkout}/deno.json`,
      "-P=cli",
      `${this.checkout}/cli/main.ts`,
      ...line.split(" "),
    ], env);
  }

  /** Runs the command line, which must succeed. */
  async done(
    line: string,
    options?: Parameters<Session["streamlib"]>[1],
  ): Promise<string> {
    const { code, stdout, stderr } = await this.streamlib(line, options);
    assertEquals(code, 0, `${line}: ${stdout}${stderr}`);
    return stderr;
  }

  /** Starts a host, and returns it with which broker it has found. */
  async host(
    env = this.container.session(),
  ): Promise<{ host: Program; found: HostLine }> {
    const host = this.container.start([
      this.deno,
      "run",
      "-q",
      "--no-prompt",
      "--no-check",
      "--allow-all",
      `${this.checkout}/tests/fixtures/exchanging_host.ts`,
      "blur",
    ], env);
    return { host, found: JSON.parse(await host.line(() => true)) };
  }

  /** A property of the broker's unit. */
  async property(name: string): Promise<string> {
    const { stdout } = await this.container.run(
      ["systemctl", "--user", "show", "--value", `--property=${name}`, UNIT],
      this.container.session(),
    );
    return stdout.trim();
  }

  /** Runs `systemctl --user`, which must succeed. */
  async systemctl(...args: string[]): Promise<void> {
    const { code, stderr } = await this.container.run(
      ["systemctl", "--user", ...args],
      this.container.session(),
    );
    assertEquals(code, 0, stderr);
  }

  /** The files of a folder in the container; none if it is not there. */
  files(inside: string): string[] {
    try {
      return Array.from(
        Deno.readDirSync(this.container.path(inside)),
        ({ name }) => name,
      ).sort();
    } catch {
      return [];
    }
  }
}

/** What a program has that did not inherit the variables of a login, as under cron. */
function bare({ home }: SystemdContainer): Record<string, string> {
  return { HOME: home, NO_COLOR: "1", PATH: "/usr/bin:/bin" };
}

async function exchanges(
  { host, found }: Awaited<ReturnType<Session["host"]>>,
): Promise<void> {
  await using running = host;
  assertEquals(found, { service: SERVICE, embedded: false });
  await running.line((line) => line.includes('"exchanged":3'));
  assertEquals((await running.end()).code, 0);
}

/** The life of a broker in a container, by steps. */
async function broker(
  container: SystemdContainer,
  t: Deno.TestContext,
): Promise<void> {
  await using _ended = container;
  const session = new Session(container);
  await session.prepare();
  const step = (name: string, fn: () => Promise<void>) => t.step(name, fn);

  await step("a broker that does not run is not installed", async () => {
    const program = `${container.home}/bin/broken`;
    await Deno.writeTextFile(
      container.path(program),
      "#!/bin/sh\necho 'no GPU, no broker' >&2\nexit 7\n",
      { mode: 0o755 },
    );
    const refused = await session.streamlib(
      `broker install --binary ${program}`,
    );
    assertEquals([refused.code, refused.stdout], [1, ""]);
    assertMatch(refused.stderr, /for a trial.*ended with exit code 7/);
    assertStringIncludes(refused.stderr, "no GPU, no broker");
    assertEquals(session.files(session.units), []);
    assertEquals(session.files(`${container.runtime}/streamlib`), []);
    assertEquals(session.files(`${container.home}/.streamlib`), []);
  });

  await step("it is installed, and serves its first client", async () => {
    await session.done("broker install");
    assertEquals(session.files(session.units), [
      UNIT,
      `${SERVICE}.socket`,
      "sockets.target.wants",
    ]);
    assertEquals(await session.property("ActiveState"), "inactive");
    await exchanges(await session.host());
    assertEquals(await session.property("ActiveState"), "active");
  });

  await step("a new one comes after kill -9", async () => {
    const pid = await session.property("MainPID");
    await session.systemctl("kill", "--signal=SIGKILL", UNIT);
    await until(
      "a new process",
      async () => !["0", pid].includes(await session.property("MainPID")),
    );
    await exchanges(await session.host());
  });

  await step("it is found without the variables of a login", async () => {
    const env = bare(container);
    assertStringIncludes(
      (await session.streamlib("broker status", { env })).stdout,
      "healthy",
    );
    await session.done("broker restart", { env });
    await exchanges(await session.host(env));
  });

  await step("one that was idle is started again on demand", async () => {
    const path = container.path(`${session.units}/${UNIT}`);
    const unit = await Deno.readTextFile(path);
    await Deno.writeTextFile(
      path,
      unit.replace("idle-exit 300", "idle-exit 1"),
    );
    await session.systemctl("daemon-reload");
    await session.systemctl("restart", UNIT);
    await until(
      "its end",
      async () => await session.property("ActiveState") === "inactive",
    );
    await exchanges(await session.host());
  });

  await step("an update tries it out and runs it", async () => {
    assertStringIncludes(
      await session.done("broker update"),
      "is up to date",
    );
    const unit = container.path(`${session.units}/${UNIT}`);
    assertStringIncludes(await Deno.readTextFile(unit), "idle-exit 300");
    const { code } = await session.streamlib(
      `broker update --binary ${container.home}/bin/broken`,
    );
    assertEquals(code, 1);
    assertStringIncludes(await Deno.readTextFile(unit), "idle-exit 300");
    await exchanges(await session.host());
  });

  await step(
    "of one whose Deno was removed, all commands say so",
    async () => {
      const away = container.path(`${session.deno}.away`);
      await session.systemctl("stop", UNIT);
      await Deno.rename(container.path(session.deno), away);
      const deno = session.other;
      let said: Ended;
      await until("systemd to give up", async () => {
        said = await session.streamlib("broker status", { deno });
        return await session.property("ActiveState") === "failed";
      });
      said = await session.streamlib("broker status", { deno });
      assertEquals(said.code, 3);
      assertMatch(said.stderr, /status 203/);
      assertMatch(said.stderr, /no longer starts it/);
      assertStringIncludes(said.stderr, "Try: streamlib broker update");
      const { stdout } = await session.streamlib("broker doctor", { deno });
      assertMatch(stdout, /broken +sockets/);
      assertStringIncludes(stdout, "status 203");
      await Deno.rename(away, container.path(session.deno));
      await session.done("broker start");
      await exchanges(await session.host());
    },
  );

  await step(
    "of one whose cache was removed too; an update repairs it",
    async () => {
      await session.systemctl("stop", UNIT);
      const cache = `${container.home}/.cache/deno`;
      const kept = `${container.home}/.cache/kept`;
      await Deno.rename(container.path(cache), container.path(kept));
      const env = { ...container.session(), DENO_DIR: kept };
      await until("systemd to give up", async () => {
        await session.streamlib("broker status", { env });
        return await session.property("ActiveState") === "failed";
      });
      const { code, stderr } = await session.streamlib("broker status", {
        env,
      });
      assertEquals(code, 3);
      assertStringIncludes(stderr, "--cached-only");
      assertStringIncludes(stderr, "Try: streamlib broker update");
      assertStringIncludes(await session.done("broker update"), "had failed");
      await exchanges(await session.host());
    },
  );

  await step("nothing of it stays", async () => {
    await session.done("broker uninstall");
    assertEquals(session.files(session.units), []);
    assertEquals(session.files(`${container.home}/.streamlib`), []);
    assertEquals(session.files(`${container.runtime}/streamlib`), []);
    const { stdout } = await container.run(
      [
        "systemctl",
        "--user",
        "list-units",
        "--all",
        "--plain",
        `${SERVICE}*`,
      ],
      container.session(),
    );
    assert(!stdout.includes(SERVICE), stdout);
  });
}

permittedTest(
  "service: a real systemd installs, starts, restarts, updates and removes the broker, from an empty cache",
  {
    read: true,
    write: true,
    run: true,
    env: true,
    net: true,
    sys: true,
    linux: "systemd",
    long: true,
  },
  async (t) => {
    const container = await SystemdContainer.boot();
    const lacking = typeof container === "string" ? container : undefined;
    await permittedStep(
      t,
      "in a container with systemd",
      lacking,
      (t) => broker(container as SystemdContainer, t),
    );
  },
);
