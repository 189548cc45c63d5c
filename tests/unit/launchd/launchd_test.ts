import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { explainLaunchctl, launchctlCode } from "../../../launchd/launchctl.ts";
import { Launchd } from "../../../launchd/launchd.ts";
import {
  ServiceError,
  type ServiceErrorCode,
} from "../../../launchd/service_error.ts";
import { DOMAIN, FakeLaunchd, TARGET } from "../../helpers/launchd.ts";
import { permittedTest } from "../../helpers/permitted.ts";
import { namesOf, SERVICE } from "../../helpers/service.ts";

const HOME = "/nonexistent/ada";
const NAMES = namesOf(HOME, "darwin");
const PLIST = `${HOME}/Library/LaunchAgents/${SERVICE}.plist`;
const BOOTSTRAP = `bootstrap ${DOMAIN} ${PLIST}`;
const BOOTOUT = `bootout ${TARGET}`;

function managerOf(
  launchd: FakeLaunchd,
): { manager: Launchd; pauses: number[] } {
  const pauses: number[] = [];
  const manager = new Launchd(NAMES, {
    run: launchd.programs.run,
    userId: 501,
    pause: (ms) => {
      pauses.push(ms);
      return Promise.resolve();
    },
  });
  return { manager, pauses };
}

Deno.test("launchctl: what its codes mean, and what helps", () => {
  const table: [number, string, ServiceErrorCode, string, string][] = [
    [
      5,
      "Bootstrap failed: 5: Input/output error",
      "refused",
      "loaded already",
      `launchctl enable ${TARGET}`,
    ],
    [
      78,
      "Load failed: 78: Function not implemented",
      "refused",
      "log directory",
      "streamlib broker install --force",
    ],
    [
      113,
      "Could not find service",
      "not_installed",
      "does not know",
      "streamlib broker start",
    ],
    [
      3,
      "Boot-out failed: 3: No such process",
      "not_installed",
      "not loaded",
      "streamlib broker start",
    ],
    [
      125,
      "Bootstrap failed: 125: Domain does not support specified action",
      "no_manager",
      "never under sudo",
      "the same in a terminal on the Mac's screen, without sudo",
    ],
    [
      112,
      "Could not find domain",
      "no_manager",
      "logged in",
      "the same in a terminal on the Mac's screen, without sudo",
    ],
    [
      119,
      "Bootstrap failed: 119: Service is disabled",
      "refused",
      "was disabled",
      `launchctl enable ${TARGET}`,
    ],
    [
      122,
      "Bootstrap failed: 122: Path had bad ownership/permissions",
      "refused",
      "another user",
      "streamlib broker install --force",
    ],
    [
      99,
      "Something new",
      "refused",
      "Something new (code 99)",
      `launchctl print ${TARGET}`,
    ],
  ];
  for (const [code, stderr, wanted, means, next] of table) {
    const error = explainLaunchctl(
      { code, stdout: "", stderr },
      ["bootstrap", DOMAIN, PLIST],
      TARGET,
    );
    assertEquals([error.code, error.next], [wanted, next], error.message);
    assertStringIncludes(error.message, means);
    assertStringIncludes(error.message, stderr);
  }
});

Deno.test("launchctl: the code that it writes counts before the one that it exits with", () => {
  const ran = { stdout: "", stderr: "Bootstrap failed: 37: Already" };
  assertEquals(launchctlCode({ ...ran, code: 1 }), 37);
  assertEquals(launchctlCode({ ...ran, code: 0 }), 0);
  assertEquals(launchctlCode({ code: 113, stdout: "", stderr: "" }), 113);
});

Deno.test("launchd: what is loaded already is left alone, unless its file changed", async () => {
  const launchd = new FakeLaunchd();
  const { manager, pauses } = managerOf(launchd);
  await manager.load(false);
  assert(launchd.loaded);
  await manager.load(false);
  assertEquals(launchd.told, [BOOTSTRAP]);
  await manager.load(true);
  assertEquals(launchd.told, [BOOTSTRAP, BOOTOUT, BOOTSTRAP]);
  assertEquals(pauses, []);
});

Deno.test("launchd: what is still ending is waited for, then loaded", async () => {
  const launchd = new FakeLaunchd();
  Object.assign(launchd, { loaded: true, drains: 4, stubborn: 2 });
  const { manager, pauses } = managerOf(launchd);
  await manager.load(true);
  assert(launchd.loaded);
  assertEquals(launchd.told, [BOOTOUT, BOOTSTRAP, BOOTSTRAP, BOOTSTRAP]);
  assert(pauses.length > 2);
});

Deno.test("launchd: what never ends, and what never loads, is given up with the reason", async () => {
  const hanging = new FakeLaunchd();
  Object.assign(hanging, { loaded: true, drains: Infinity });
  const stopping = await assertRejects(
    () => managerOf(hanging).manager.stop(),
    ServiceError,
  );
  assertEquals(stopping.code, "timed_out");
  assertEquals(stopping.next, `launchctl kill SIGKILL ${TARGET}`);
  const broken = new FakeLaunchd();
  broken.stubborn = Infinity;
  const loading = await assertRejects(
    () => managerOf(broken).manager.load(false),
    ServiceError,
  );
  assertEquals(loading.code, "refused");
  assertStringIncludes(loading.message, "Input/output error (code 5:");
});

permittedTest(
  "launchd: how the service is",
  { read: true },
  async () => {
    const launchd = new FakeLaunchd();
    const { manager } = managerOf(launchd);
    assertEquals(await manager.report(), { state: "absent" });
    launchd.loaded = true;
    assertEquals(await manager.report(), { state: "listening" });
    launchd.lastExit = "0";
    assertEquals(await manager.report(), { state: "listening" });
    launchd.lastExit = "78: EX_CONFIG";
    assertEquals(await manager.report(), {
      state: "failed",
      reason:
        "launchd cannot start it (78: EX_CONFIG): a program or a directory of its property list is missing",
    });
    launchd.pid = 4711;
    assertEquals(await manager.report(), { state: "running", pid: 4711 });
  },
);

Deno.test("launchd: restart ends what runs, and loads what is not", async () => {
  const launchd = new FakeLaunchd();
  const { manager } = managerOf(launchd);
  await manager.restart();
  assertEquals(launchd.told, [BOOTSTRAP, `kickstart -k ${TARGET}`]);
  await manager.restart();
  assertEquals(launchd.told.slice(2), [`kickstart -k ${TARGET}`]);
});

Deno.test("launchd: what is not loaded is stopped already", async () => {
  const launchd = new FakeLaunchd();
  const { manager } = managerOf(launchd);
  await manager.stop();
  await manager.unload();
  assertEquals(launchd.told, [BOOTOUT, BOOTOUT]);
});

Deno.test("launchd: without a login at the screen, under sudo, and where there is none, it is said", async () => {
  const remote = new FakeLaunchd();
  remote.session = false;
  const { manager } = managerOf(remote);
  for (
    const act of [() => manager.report(), () => manager.load(false)]
  ) {
    const error = await assertRejects(act, ServiceError);
    assertEquals(error.code, "no_manager", error.message);
  }
  const { run } = remote.programs;
  const pause = (): Promise<void> => Promise.resolve();
  const root = assertThrows(
    () => new Launchd(NAMES, { run, userId: 0, pause }),
    ServiceError,
  );
  assertEquals([root.code, root.next], ["no_manager", "the same without sudo"]);
  const none = new Launchd(NAMES, {
    run: () => Promise.resolve(undefined),
    userId: 501,
    pause,
  });
  const { code } = await assertRejects(() => none.report(), ServiceError);
  assertEquals(code, "no_manager");
});
