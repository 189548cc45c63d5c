import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { Checkout } from "../helpers/checkout.ts";
import { assertGolden } from "../helpers/golden.ts";
import { type Needs, permittedTest } from "../helpers/permitted.ts";
import { SERVICE } from "../helpers/service.ts";
import { hasPython, ServiceUser } from "../helpers/service_user.ts";
import { until } from "../helpers/soon.ts";
import type { HostLine } from "../fixtures/exchanging_host.ts";

const NEEDS: Needs = {
  read: true,
  write: true,
  run: true,
  env: true,
  net: true,
  linux: "systemd",
  long: true,
  lacking: hasPython() ? undefined : "no python3",
};

function installTest(
  name: string,
  body: () => Promise<void>,
  needs = NEEDS,
): void {
  permittedTest(`install: ${name}`, needs, body);
}

const EXHAUSTIVE: Needs = { ...NEEDS, exhaustive: true };

const UNITS = [`${SERVICE}.service`, `${SERVICE}.socket`];
const INSTALLED = [
  `.config/systemd/user/sockets.target.wants/${SERVICE}.socket`,
  ...UNITS.map((unit) => `.config/systemd/user/${unit}`),
  `.streamlib/${SERVICE}.lock`,
].sort();

installTest("what it says to people", async () => {
  await using user = await new ServiceUser().withSystemd();
  let all = "";
  for (
    const line of [
      "broker start",
      "broker stop",
      "broker update",
      "broker uninstall",
      "broker install --binary /nowhere/streamlib-broker",
      "broker install --binary broker",
      "broker install",
      "broker install",
      "broker update",
      "broker stop",
      "broker status",
      "broker uninstall",
      "broker status",
    ]
  ) all += await user.transcript(line);
  user.loseBus();
  all += await user.transcript("broker install");
  await assertGolden("install.txt", all);
  assertEquals(user.files(), []);
}, EXHAUSTIVE);

installTest("what it says to programs, and the files", async () => {
  await using user = await new ServiceUser().withSystemd();
  const json = async (line: string): Promise<unknown> => {
    const { code, stdout, stderr } = await user.streamlib(`${line} --json`);
    assertEquals([code, stderr], [0, ""]);
    return JSON.parse(stdout);
  };
  const common = { service: SERVICE, manager: "systemd" };
  const units = [`${SERVICE}.socket`, `${SERVICE}.service`]
    .map((unit) => `${user.units}/${unit}`);
  assertEquals(await json("broker install"), {
    action: "install",
    ...common,
    state: "listening",
    files: units,
  });
  assertEquals(user.files(), INSTALLED);
  for (const kind of ["xpc", "grpc"]) {
    const { mode, isSocket } = Deno.lstatSync(
      `${user.sockets}/${SERVICE}.${kind}`,
    );
    assertEquals([isSocket, mode! & 0o777], [true, 0o600]);
  }
  assertEquals(Deno.lstatSync(user.sockets).mode! & 0o777, 0o700);
  assertEquals(await json("broker stop"), {
    action: "stop",
    ...common,
    state: "stopped",
    files: [],
  });
  assertEquals(Array.from(Deno.readDirSync(user.sockets)), []);
  assertEquals(await json("broker uninstall"), {
    action: "uninstall",
    ...common,
    state: "absent",
    files: [...units, `${user.home}/.streamlib/${SERVICE}.lock`],
  });
  assertEquals(user.files(), []);
});

installTest(
  "a unit that somebody else wrote stays, unless forced",
  async () => {
    await using user = await new ServiceUser().withSystemd();
    const path = `${user.units}/${SERVICE}.service`;
    await Deno.mkdir(user.units, { recursive: true });
    await Deno.writeTextFile(path, "[Service]\nExecStart=/bin/true\n");
    const refused = await user.streamlib("broker install");
    assertEquals([refused.code, refused.stdout], [1, ""]);
    assertStringIncludes(refused.stderr, `${path} is a file that streamlib`);
    assertStringIncludes(refused.stderr, `\nTry: ls -l '${path}'\n`);
    assertEquals((await user.streamlib("broker uninstall")).code, 1);
    assertEquals(
      await Deno.readTextFile(path),
      "[Service]\nExecStart=/bin/true\n",
    );
    assertEquals((await user.streamlib("broker install --force")).code, 0);
    assertStringIncludes(
      await Deno.readTextFile(path),
      "Written by `streamlib",
    );
  },
  EXHAUSTIVE,
);

installTest(
  "an address of its own is refused, and no systemctl is said",
  async () => {
    await using user = new ServiceUser();
    const refused = await user.streamlib("broker install", {
      STREAMLIB_BROKER_ENDPOINT: "127.0.0.1:50051",
    });
    assertEquals(refused.code, 2);
    assertStringIncludes(
      refused.stderr,
      "Try: unset STREAMLIB_BROKER_ENDPOINT",
    );
    const none = await user.streamlib("broker install", { PATH: "/nowhere" });
    assertEquals(none.code, 1);
    assertStringIncludes(none.stderr, "no systemctl on the PATH");
    assertEquals(user.files(), []);
  },
);

installTest("a checkout's own service stands beside the user's", async () => {
  await using user = await new ServiceUser().withSystemd();
  assertEquals((await user.streamlib("broker install")).code, 0);
  const { code, stdout } = await user.streamlib("broker install --dev --json");
  assertEquals(code, 0);
  const { service, files } = JSON.parse(stdout);
  assertMatch(service, /^com\.tatolab\.streamlib\.broker\.dev-[0-9a-f]{6}$/);
  assertEquals(files.length, 2);
  assertEquals(
    Array.from(Deno.readDirSync(user.sockets), ({ name }) => name).length,
    4,
  );
  assertEquals((await user.streamlib("broker uninstall --dev")).code, 0);
  assertEquals(user.files(), INSTALLED);
}, EXHAUSTIVE);

/** The number of exchanged frames in a line of the host; 0 in other lines. */
function exchangedIn(line: string): number {
  const said = JSON.parse(line) as HostLine;
  return "exchanged" in said ? said.exchanged : 0;
}

/** A comma, a quote, a blank, an ampersand, a percent sign, a dollar, a backslash, and non-Latin letters. */
const AWKWARD_HOME = `Ada, "S"'s & 50%i $HOME\\x 二`;

for (const home of ["home", AWKWARD_HOME]) {
  installTest(`from install to frames and away again, in ${home}`, async () => {
    await using user = await new ServiceUser(home).withSystemd();
    const streamlib = async (line: string): Promise<string> => {
      const { code, stdout, stderr } = await user.streamlib(line);
      assertEquals(code, 0, `${line}: ${stderr}${user.note("journal")}`);
      return stdout;
    };
    await streamlib("broker install");
    {
      // The host is the first client: it starts the broker.
      await using host = user.host("blur");
      const line = await host.line(() => true);
      const found = JSON.parse(line) as HostLine;
      assert("service" in found, `${line}${user.note("journal")}`);
      assertEquals(found, { service: SERVICE, embedded: false });
      let status = "";
      await until("a connection that is ready", async () => {
        status = await streamlib("broker status --json");
        return JSON.parse(status).ready_count === 1;
      }, () => status);
      assertEquals(JSON.parse(status).status, "healthy");
      const started = JSON.parse(await streamlib("broker start --json"));
      assertEquals([started.action, started.state], ["start", "running"]);

      // A new broker: open channels go on.
      await streamlib("broker restart");
      const before = exchangedIn(host.last);
      await host.line((line) => exchangedIn(line) > before);
      assertEquals((await host.end()).code, 0);
    }
    // After a broker has ended, as an unused one does, the next client starts another.
    const pid = user.pidOf(SERVICE);
    Deno.kill(pid, "SIGTERM");
    await until("its end", () => user.pidOf(SERVICE) === 0);
    await streamlib("broker status");
    assert(![0, pid].includes(user.pidOf(SERVICE)));
    await streamlib("broker update");
    await streamlib("broker stop");
    assertEquals((await user.streamlib("broker status")).code, 3);
    await streamlib("broker start");
    await streamlib("broker status");
    await streamlib("broker uninstall");
    assertEquals(user.files(), []);
    assertEquals(
      Array.from(Deno.readDirSync(user.sockets), ({ name }) => name),
      [],
    );
  }, EXHAUSTIVE);
}

installTest(
  "an update names the version that ran, and has its own run",
  async () => {
    await using user = await new ServiceUser().withSystemd();
    await using upgraded = await Checkout.make();
    await upgraded.edit("deno.json", `"version": "`, `"version": "9.`);
    assertEquals((await user.streamlib("broker install")).code, 0);
    assertEquals((await user.streamlib("broker start")).code, 0);
    const version = async (): Promise<string> => {
      const { stdout } = await user.streamlib("broker status --json");
      return JSON.parse(stdout).version;
    };
    const before = await version();
    const update = await user.streamlib("broker update", {}, upgraded.path);
    assertEquals(update.code, 0, update.stderr);
    assertEquals(update.stdout, `${user.units}/${SERVICE}.service\n`);
    assertStringIncludes(update.stderr, `The running broker was ${before} (`);
    assertStringIncludes(update.stderr, `it is now 9.${before} (`);
    assertEquals(await version(), `9.${before}`);
  },
  EXHAUSTIVE,
);

installTest(
  "a broker that cannot start is told with its manager's reason",
  async () => {
    await using user = await new ServiceUser().withSystemd();
    assertEquals((await user.streamlib("broker install")).code, 0);
    const path = `${user.units}/${SERVICE}.service`;
    const unit = await Deno.readTextFile(path);
    await Deno.writeTextFile(
      path,
      unit.replace(/^ExecStart=.*$/m, "ExecStart=:/nowhere/deno run"),
    );
    assertEquals((await user.systemctl("daemon-reload")).code, 0);
    const failed = await user.streamlib("broker restart");
    assertEquals(failed.code, 3);
    assertStringIncludes(failed.stderr, "systemd says that it has failed");
    assertStringIncludes(failed.stderr, "\nTry: journalctl --user --unit");
    // Changes by hand are undone.
    const { code, stdout } = await user.streamlib("broker update");
    assertEquals([code, stdout], [0, `${path}\n`]);
    assertEquals(await Deno.readTextFile(path), unit);
  },
  EXHAUSTIVE,
);
