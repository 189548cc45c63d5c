import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { brokerDoctor } from "../../cli/commands/broker_doctor.ts";
import { LINKS } from "../../cli/doctor/finding.ts";
import { socketUnit } from "../../launchd/units.ts";
import { names } from "../../proto/names.ts";
import { type Ended, kill, run, sendSignal } from "../helpers/child.ts";
import { assertGolden } from "../helpers/golden.ts";
import { GRPC_NEEDS, serveControlPlane } from "../helpers/grpc_fixture.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { PATIENCE_MS, soon, until } from "../helpers/soon.ts";

const NEEDS = { ...GRPC_NEEDS, run: true, sys: true } as const;
/** If no broker is running, the probe embeds one. */
const SERVING = { ...NEEDS, service: true } as const;
/** The findings about a service are those of Linux. */
const LINUX = { ...NEEDS, linux: "a service of sockets and systemd" } as const;
const ROOT = new URL("../../", import.meta.url);
/** The command line. */
const STREAMLIB = [
  "run",
  "-q",
  "--no-prompt",
  "-P=cli",
  "cli/main.ts",
] as const;

/** A finding, as `--json` writes it. */
interface Row {
  readonly link: string;
  readonly state: string;
  readonly found: string;
  readonly why: string;
  readonly mend: string;
}

/** The result of a run of the doctor. */
interface Diagnosis {
  readonly code: number;
  readonly rows: Row[];
  /** The first broken link. */
  readonly first: Row | undefined;
}

/** An environment with its own home and configuration, so that the doctor finds only the test's broker. */
class Patient implements Disposable {
  readonly home = Deno.makeTempDirSync({ prefix: "sld" });
  readonly env: Record<string, string> = {
    STREAMLIB_HOME: this.home,
    XDG_CONFIG_HOME: `${this.home}/config`,
    STREAMLIB_BROKER_ENDPOINT: "",
    STREAMLIB_BROKER_XPC_SERVICE: "",
    STREAMLIB_LIBRARY: "",
    grpc_proxy: "",
    http_proxy: "",
    https_proxy: "",
    HTTP_PROXY: "",
    HTTPS_PROXY: "",
    NO_COLOR: "1",
  };
  /** HOME is read only on macOS, for the directory of logs. */
  readonly names = names(
    new Map(Object.entries({ HOME: this.home, ...this.env })),
  );

  /** Runs the doctor, and returns its report for people. */
  async see(...args: string[]): Promise<{ code: number; text: string }> {
    const { code, stdout, stderr } = await run(Deno.execPath(), {
      args: [...STREAMLIB, "broker", "doctor", ...args],
      cwd: ROOT,
      env: this.env,
    });
    assertEquals(stderr, "");
    return { code, text: stdout };
  }

  async diagnose(...args: string[]): Promise<Diagnosis> {
    const { code, text } = await this.see("--json", ...args);
    const rows: Row[] = JSON.parse(text);
    assertEquals(rows.map(({ link }) => link), [...LINKS]);
    const first = rows.find(({ state }) => state === "broken");
    if (first) assert(first.why !== "" && first.mend !== "", text);
    return { code, rows, first };
  }

  /** Runs the doctor, and compares the first broken link with `expected` and the report with its golden file. */
  async expect(
    title: string,
    expected: { link: string; code: number; mend: string },
  ): Promise<Diagnosis> {
    const found = await this.diagnose();
    assertEquals(
      { link: found.first?.link, code: found.code, mend: found.first?.mend },
      expected,
      JSON.stringify(found.rows, null, 2),
    );
    const { text } = await this.see();
    await assertGolden(`doctor_${title}.txt`, this.stable(text));
    return found;
  }

  /** Asserts that no link is broken and that the exit code is 0. */
  async well(): Promise<Row[]> {
    const { code, rows, first } = await this.diagnose();
    assertEquals([first, code], [undefined, 0]);
    return rows;
  }

  /** Whether the broker reports that it is healthy. */
  async isHealthy(): Promise<boolean> {
    const { PatientClient } = await import("../helpers/patient_client.ts");
    using client = new PatientClient(this.names.grpcAddress);
    return await client.call("GetHealth", {}).then(
      ({ healthy }) => healthy,
      () => false,
    );
  }

  /** Runs the advised command. */
  async follow(mend: string): Promise<void> {
    const { code, stderr } = await run("sh", { args: ["-c", mend] });
    assertEquals(code, 0, `${mend}: ${stderr}`);
  }

  stable(text: string): string {
    return text.replaceAll(this.home, "HOME")
      .replaceAll(new URL(".", ROOT).pathname, "CHECKOUT/")
      .replace(/\b[\d.]+ ms\b/g, "MS ms")
      .replace(/\b[\d.]+ of them/g, "MS of them")
      .replace(/(process|-CONT) \d+/g, "$1 PID")
      .replace(/connection [0-9a-f]{8}/g, "connection ID")
      .replace(/broker \d+\.\d+\.\d+/g, "broker VERSION")
      .replace(/^(ok +deno +).*$/m, "$1VERSION")
      .replace(/^(ok +python +).*$/m, "$1FOUND")
      .replace(/^(ok +shim +).*$/m, "$1SHIM")
      .replace(/user \d+/g, "user UID")
      .replace(/chown -R \d+/g, "chown -R UID");
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.home, { recursive: true });
  }
}

/** A broker in its own process, under the patient's names. */
class RunningBroker implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly pid: number;

  static async start({ env }: Patient): Promise<RunningBroker> {
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-q",
        "--allow-all",
        "broker/main.ts",
        "--log-level",
        "error",
        "--json",
      ],
      cwd: ROOT,
      env,
      stdin: "null",
      stdout: "piped",
    }).spawn();
    try {
      const reader = child.stdout.getReader();
      const ready = await soon(reader.read(), "the broker");
      await reader.cancel();
      assert(!ready.done, "the broker did not start");
    } catch (error) {
      await kill(child);
      throw error;
    }
    return new RunningBroker(child);
  }

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.pid = child.pid;
  }

  signal(signal: Deno.Signal): void {
    sendSignal(this.#child, signal);
  }

  /** Sends SIGKILL, which also ends a stopped process. */
  async kill(): Promise<void> {
    await kill(this.#child);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}

permittedTest(
  "doctor: with a broker every link is well, and has the fields that are documented",
  LINUX,
  async () => {
    using patient = new Patient();
    await using _ = await RunningBroker.start(patient);
    const rows = await patient.well();
    assertEquals(rows.map(({ state }) => state), LINKS.map(() => "ok"));
    const fields = Object.keys(brokerDoctor.json!.fields);
    for (const row of rows) assertEquals(Object.keys(row), fields);
    const { code, text } = await patient.see();
    assertEquals(code, 0);
    await assertGolden("doctor_well.txt", patient.stable(text));
  },
);

permittedTest(
  "doctor: with no broker anywhere all is well, and it says how to get one",
  LINUX,
  async () => {
    using patient = new Patient();
    const rows = await patient.well();
    assertEquals(
      rows.filter(({ state }) => state !== "ok").map(({ link }) => link),
      ["grpc", "xpc", "control plane"],
    );
    const { text } = await patient.see();
    assertStringIncludes(text, "\n  Try: streamlib broker install\n");
    await assertGolden("doctor_alone.txt", patient.stable(text));
  },
);

permittedTest(
  "doctor: where no socket can be named, hosts run without it, and it says so",
  { ...LINUX, exhaustive: true },
  async () => {
    using patient = new Patient();
    patient.env["STREAMLIB_HOME"] = `${patient.home}/`.padEnd(120, "h");
    const rows = await patient.well();
    const linksThatAre = (wanted: string): string[] =>
      rows.filter(({ state }) => state === wanted).map(({ link }) => link);
    assertEquals(linksThatAre("note"), ["names", "xpc"]);
    assertEquals(
      linksThatAre("skipped"),
      ["service", "run directory", "sockets", "grpc", "control plane"],
    );
  },
);

permittedTest("doctor: bad usage has exit code 2", NEEDS, async () => {
  using patient = new Patient();
  const { code } = await run(Deno.execPath(), {
    args: [...STREAMLIB, "broker", "doctor", "--all"],
    cwd: ROOT,
    env: patient.env,
  });
  assertEquals(code, 2);
});

permittedTest(
  "doctor: a stale socket, told by connecting; the next broker takes its place",
  { ...LINUX, exhaustive: true },
  async () => {
    using patient = new Patient();
    await using broker = await RunningBroker.start(patient);
    await broker.kill();
    const { rows } = await patient.expect("stale_socket", {
      link: "sockets",
      code: 3,
      mend: "deno task broker",
    });
    assertEquals(rows.find(({ link }) => link === "frames")?.state, "ok");
    await using _ = await RunningBroker.start(patient);
    await patient.well();
  },
);

permittedTest(
  "doctor: a run directory that others can reach",
  { ...LINUX, exhaustive: true },
  async () => {
    using patient = new Patient();
    await using _ = await RunningBroker.start(patient);
    const { runDirectory } = patient.names;
    await Deno.chmod(runDirectory, 0o755);
    const mend = `chmod 700 ${runDirectory}`;
    await patient.expect("directory_mode", {
      link: "run directory",
      code: 1,
      mend,
    });
    await patient.follow(mend);
    await patient.well();
  },
);

permittedTest(
  "doctor: a socket that others may connect to",
  { ...LINUX, exhaustive: true },
  async () => {
    using patient = new Patient();
    await using _ = await RunningBroker.start(patient);
    const { grpcSocket } = patient.names;
    await Deno.chmod(grpcSocket, 0o666);
    const mend = `chmod 600 ${grpcSocket}`;
    await patient.expect("socket_mode", { link: "sockets", code: 1, mend });
    await patient.follow(mend);
    await patient.well();
  },
);

const isRoot = Deno.permissions.querySync({ name: "sys", kind: "uid" })
      .state === "granted" && Deno.uid() === 0;

permittedTest(
  "doctor: a run directory of another user",
  {
    ...LINUX,
    exhaustive: true,
    lacking: isRoot ? undefined : "only root can give one away",
  },
  async () => {
    using patient = new Patient();
    await using _ = await RunningBroker.start(patient);
    const { runDirectory } = patient.names;
    await Deno.chown(runDirectory, 12345, null);
    const mend = `chown -R 0 ${runDirectory}`;
    const { first } = await patient.expect("directory_owner", {
      link: "run directory",
      code: 1,
      mend,
    });
    assertStringIncludes(first!.found, "belongs to user 12345, this is user 0");
    await patient.follow(mend);
    await patient.well();
  },
);

permittedTest(
  "doctor: a run directory that is a link",
  { ...LINUX, exhaustive: true },
  async () => {
    using patient = new Patient();
    const { runDirectory } = patient.names;
    await Deno.mkdir(`${patient.home}/elsewhere`, { mode: 0o700 });
    await Deno.symlink(`${patient.home}/elsewhere`, runDirectory);
    const { code, first } = await patient.diagnose();
    assertEquals([code, first?.link], [1, "run directory"]);
    await patient.follow(first!.mend);
    await patient.well();
  },
);

permittedTest(
  "doctor: a broker of another version is named with both",
  { ...LINUX, exhaustive: true },
  async () => {
    using patient = new Patient();
    await using served = await serveControlPlane({
      unary: {
        GetVersion: () =>
          Promise.resolve({
            version: "99.0.0",
            git_commit: "",
            build_date: "",
            protocol_version: 99,
          }),
      },
    });
    patient.env["STREAMLIB_BROKER_ENDPOINT"] = served.carrier.address;
    const { code, first } = await patient.diagnose();
    assertEquals([code, first?.link], [1, "grpc"]);
    assertStringIncludes(first!.why, "it is 99.0.0 and speaks protocol");
    assertStringIncludes(first!.why, "version 99, this side speaks 1");
    patient.env["STREAMLIB_BROKER_ENDPOINT"] = "";
    await patient.well();
  },
);

permittedTest(
  "doctor: the version of the Deno that runs it is what it reports",
  SERVING,
  async () => {
    using patient = new Patient();
    const { rows } = await patient.diagnose();
    assertEquals(rows[0]!.link, "deno");
    assertStringIncludes(rows[0]!.found, Deno.version.deno);
  },
);

permittedTest(
  "doctor: a shim that is not there, and one that is none",
  { ...SERVING, exhaustive: true },
  async () => {
    using patient = new Patient();
    patient.env["STREAMLIB_LIBRARY"] = `${patient.home}/shim.so`;
    const mend = "unset STREAMLIB_LIBRARY";
    const expected = { link: "shim", code: 1, mend };
    const { first } = await patient.expect("missing_shim", expected);
    assertStringIncludes(first!.why, `${patient.home}/shim.so`);
    await Deno.writeTextFile(patient.env["STREAMLIB_LIBRARY"], "no library");
    assertEquals((await patient.diagnose()).first?.link, "shim");
    patient.env["STREAMLIB_LIBRARY"] = "";
    await patient.well();
  },
);

permittedTest(
  "doctor: a broker that was stopped, and one whose queue has filled since",
  { ...LINUX, exhaustive: true },
  async () => {
    using patient = new Patient();
    await using broker = await RunningBroker.start(patient);
    broker.signal("SIGSTOP");
    const mend = `kill -CONT ${broker.pid}`;
    const { code, first } = await patient.diagnose();
    assertEquals([code, first?.link, first?.mend], [3, "grpc", mend]);
    {
      using held = new DisposableStack();
      for (let full = false; !full;) {
        try {
          const path = patient.names.grpcSocket;
          const peer = Deno.connect({ transport: "unix", path });
          held.use(await soon(peer, "a connection, or that there is none"));
        } catch (error) {
          if (!(error instanceof Deno.errors.WouldBlock)) throw error;
          full = true;
        }
      }
      await patient.expect("full_queue", { link: "sockets", code: 3, mend });
    }
    await patient.follow(mend);
    // First it works off the queue, which has more connections than it accepts at a time.
    await until("it to answer", () => patient.isHealthy());
    await patient.well();
  },
);

permittedTest(
  "doctor: an address where nobody is",
  { ...LINUX, exhaustive: true },
  async () => {
    using patient = new Patient();
    await using _ = await RunningBroker.start(patient);
    const nowhere = `unix:${patient.home}/nowhere`;
    patient.env["STREAMLIB_BROKER_ENDPOINT"] = nowhere;
    const mend = "unset STREAMLIB_BROKER_ENDPOINT";
    await patient.expect("nowhere", { link: "grpc", code: 3, mend });
    patient.env["STREAMLIB_BROKER_ENDPOINT"] = "";
    const { code, first } = await patient.diagnose("--endpoint", nowhere);
    assertEquals(
      [code, first?.link, first?.mend],
      [3, "grpc", "streamlib broker doctor"],
    );
    await patient.well();
  },
);

permittedTest(
  "doctor: a service's name that nobody serves",
  LINUX,
  async () => {
    using patient = new Patient();
    patient.env["STREAMLIB_BROKER_XPC_SERVICE"] = "com.example.nobody";
    const { code, first, rows } = await patient.diagnose();
    assertEquals(
      [code, first?.link, first?.mend],
      [3, "xpc", "unset STREAMLIB_BROKER_XPC_SERVICE"],
    );
    assertEquals(rows.at(-1)?.state, "skipped");
  },
);

permittedTest(
  "doctor: a unit that names another than the service",
  { ...LINUX, exhaustive: true },
  async () => {
    using patient = new Patient();
    await using _ = await RunningBroker.start(patient);
    const directory = `${patient.home}/config/systemd/user`;
    const unit = `${directory}/${patient.names.systemdSocketUnit}`;
    await Deno.mkdir(directory, { recursive: true });
    const right = socketUnit(patient.names);
    await Deno.writeTextFile(
      unit,
      right.replace(/(FileDescriptorName=).*/, "$1streamlib-broker"),
    );
    const { first } = await patient.expect("mismatch", {
      link: "names",
      code: 1,
      mend: "streamlib broker install --force",
    });
    assertStringIncludes(first!.why, unit);
    await Deno.writeTextFile(unit, right); // as `broker install` does
    assertStringIncludes((await patient.well())[3]!.found, "installed");

    await Deno.rename(unit, `${directory}/streamlib.socket`);
    const renamed = await patient.diagnose();
    assertEquals(renamed.first?.mend, `rm ${directory}/streamlib.socket`);
    await patient.follow(renamed.first!.mend);
    await patient.well();
  },
);

permittedTest(
  "doctor: what is installed, and not started",
  { ...LINUX, exhaustive: true },
  async () => {
    using patient = new Patient();
    const directory = `${patient.home}/config/systemd/user`;
    await Deno.mkdir(directory, { recursive: true });
    await Deno.writeTextFile(
      `${directory}/${patient.names.systemdSocketUnit}`,
      socketUnit(patient.names),
    );
    const { code, first } = await patient.diagnose();
    assertEquals([code, first?.link], [3, "sockets"]);
    // A systemd that can be asked does not know this unit; else a broker can run without one.
    assert(
      [
        "streamlib broker update",
        "deno task broker, in another terminal",
      ].includes(first!.mend),
      first!.mend,
    );
  },
);

permittedTest(
  "doctor: proxies are named, and do no harm",
  { ...LINUX, exhaustive: true },
  async () => {
    using patient = new Patient();
    await using _ = await RunningBroker.start(patient);
    for (const name of ["http_proxy", "HTTPS_PROXY", "grpc_proxy"]) {
      patient.env[name] = "http://127.0.0.1:9";
    }
    const [, environment] = await patient.well();
    assertEquals(environment!.state, "note");
    assertStringIncludes(
      environment!.found,
      "grpc_proxy, http_proxy, HTTPS_PROXY are set but not used",
    );
    const { text } = await patient.see();
    await assertGolden("doctor_proxies.txt", patient.stable(text));
  },
);

permittedTest(
  "doctor: the client of gRPC goes through no proxy, a port of this machine included",
  NEEDS,
  async () => {
    using proxy = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    using server = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const port = ({ addr }: Deno.Listener): number =>
      (addr as Deno.NetAddr).port;
    const reached: string[] = [];
    const accept = async (name: string, by: Deno.Listener): Promise<void> => {
      for await (const conn of by) {
        conn.close();
        reached.push(name);
      }
    };
    const accepting = [
      accept("the proxy", proxy),
      accept("the server", server),
    ];
    const address = `127.0.0.1:${port(server)}`;
    const program = (module: string): Parameters<typeof run>[1] => ({
      args: ["eval", "--no-check", module],
      cwd: ROOT,
      env: { grpc_proxy: `http://127.0.0.1:${port(proxy)}`, no_proxy: "" },
    });
    // The call fails once its connection is closed.
    const { code, stderr } = await run(
      Deno.execPath(),
      program(`
      import { GrpcClient } from ${
        JSON.stringify(new URL("broker/grpc/grpc_client.ts", ROOT).href)
      };
      await new GrpcClient("${address}").call("GetHealth", {}, {
        timeoutMs: ${PATIENCE_MS},
      }).catch(() => {});
      Deno.exit(0);
    `),
    );
    assertEquals(code, 0, stderr);
    await until("a connection", () => reached.length > 0);
    assertEquals(new Set(reached), new Set(["the server"]));

    // This shows that the test can fail: without the option, the proxy is used.
    reached.length = 0;
    const child = new Deno.Command(Deno.execPath(), {
      ...program(`
        import { Client, credentials } from "@grpc/grpc-js";
        const client = new Client("${address}", credentials.createInsecure(), {});
        client.waitForReady(Infinity, () => {});
      `),
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    try {
      await until("a connection", () => reached.length > 0);
    } finally {
      await kill(child);
    }
    assertEquals(new Set(reached), new Set(["the proxy"]));
    proxy.close();
    server.close();
    await soon(Promise.all(accepting), "the end of the listeners");
  },
);

permittedTest(
  "demo: streamlib demo is the demo, with its streams and its exit code",
  SERVING,
  async () => {
    using patient = new Patient();
    const demo = (...args: string[]): Promise<Ended> =>
      run(Deno.execPath(), {
        args: [...STREAMLIB, "demo", ...args],
        cwd: ROOT,
        env: patient.env,
      });
    const { code, stdout, stderr } = await demo("--frames", "2", "--json");
    assertEquals(code, 0, stderr);
    assertEquals(JSON.parse(stdout).frames_verified, 2);
    const usage = await demo("--frames", "none");
    assertEquals([usage.code, usage.stdout], [2, ""]);
    assertStringIncludes(usage.stderr, "--frames takes a whole number");
    const help = await demo("--help");
    assertEquals(help.code, 0);
    assertStringIncludes(help.stdout, "--snapshot FILE");
  },
);
