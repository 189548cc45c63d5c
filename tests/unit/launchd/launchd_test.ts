import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { explainLaunchctl, launchctlCode } from "../../../launchd/launchctl.ts";
import { Launchd } from "../../../launchd/launchd.ts";
import {
  ServiceError,
  type ServiceErrorCode,
} from "../../../launchd/service_error.ts";
import {
  DOMAIN,
  FakeLaunchd,
  TARGET,
  USER_DOMAIN,
  USER_ID,
  USER_TARGET,
} from "../../helpers/launchd.ts";
import { permittedTest } from "../../helpers/permitted.ts";
import { namesOf, programOf, SERVICE } from "../../helpers/service.ts";

const HOME = "/nonexistent/ada";
const NAMES = namesOf(HOME, "darwin");
const PLIST = `${HOME}/Library/LaunchAgents/${SERVICE}.plist`;
const BOOTSTRAP = `bootstrap ${DOMAIN} ${PLIST}`;
const BOOTOUT = `bootout ${TARGET}`;

async function managerOf(
  launchd: FakeLaunchd,
): Promise<{ manager: Launchd; pauses: number[] }> {
  const pauses: number[] = [];
  const manager = await Launchd.find(NAMES, {
    run: launchd.programs.run,
    userId: USER_ID,
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
      "under sudo there is none",
      "the same in a login of this user's own, without sudo",
    ],
    [
      112,
      "Could not find domain",
      "no_manager",
      "with any login",
      "the same in a login of this user's own, without sudo",
    ],
    [
      119,
      "Bootstrap failed: 119: Service is disabled",
      "refused",
      "switched off",
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

permittedTest(
  "launchd: what is loaded already is left alone, unless its file changed",
  { read: true },
  async () => {
    const launchd = new FakeLaunchd();
    const { manager, pauses } = await managerOf(launchd);
    await manager.load(false);
    assert(launchd.loaded);
    await manager.load(false);
    assertEquals(launchd.told, [BOOTSTRAP]);
    await manager.load(true);
    assertEquals(launchd.told, [BOOTSTRAP, BOOTOUT, BOOTSTRAP]);
    assertEquals(pauses, []);
  },
);

permittedTest("launchd: what is still ending is waited for, then loaded", {
  read: true,
}, async () => {
  for (const drainCode of [36, 0]) {
    const launchd = new FakeLaunchd();
    Object.assign(launchd, { loaded: true, drains: 4, drainCode, stubborn: 2 });
    const { manager, pauses } = await managerOf(launchd);
    await manager.load(true);
    assert(launchd.loaded);
    assertEquals(launchd.told, [BOOTOUT, BOOTSTRAP, BOOTSTRAP, BOOTSTRAP]);
    assert(pauses.length > 2);
  }
});

permittedTest(
  "launchd: what never ends, and what never loads, is given up with the reason",
  { read: true },
  async () => {
    const hanging = new FakeLaunchd();
    Object.assign(hanging, { loaded: true, drains: Infinity });
    const stopping = await assertRejects(
      async () => (await managerOf(hanging)).manager.stop(),
      ServiceError,
    );
    assertEquals(stopping.code, "timed_out");
    assertStringIncludes(stopping.message, "none of its processes runs");
    assertEquals(stopping.next, `launchctl kill SIGKILL ${TARGET}`);
    const broken = new FakeLaunchd();
    broken.stubborn = Infinity;
    const loading = await assertRejects(
      async () => (await managerOf(broken)).manager.load(false),
      ServiceError,
    );
    assertEquals(loading.code, "refused");
    assertStringIncludes(loading.message, "Input/output error (code 5:");
  },
);

permittedTest(
  "launchd: how the service is",
  { read: true },
  async () => {
    const launchd = new FakeLaunchd();
    const { manager } = await managerOf(launchd);
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

permittedTest("launchd: restart ends what runs, and loads what is not", {
  read: true,
}, async () => {
  const launchd = new FakeLaunchd();
  const { manager } = await managerOf(launchd);
  await manager.restart();
  assertEquals(launchd.told, [BOOTSTRAP, `kickstart -k ${TARGET}`]);
  await manager.restart();
  assertEquals(launchd.told.slice(2), [`kickstart -k ${TARGET}`]);
});

Deno.test("launchd: what is not loaded is stopped already", async () => {
  const launchd = new FakeLaunchd();
  const { manager } = await managerOf(launchd);
  await manager.stop();
  await manager.unload();
  assertEquals(launchd.told, [BOOTOUT, BOOTOUT]);
});

permittedTest(
  "launchd: while the screen's session ends, in a session of no user, under sudo, and where there is none, it is said",
  { read: true },
  async () => {
    const ending = new FakeLaunchd();
    ending.screen = false;
    const { manager } = await managerOf(ending);
    for (
      const act of [() => manager.report(), () => manager.load(false)]
    ) {
      const error = await assertRejects(act, ServiceError);
      assertEquals(error.code, "no_manager", error.message);
    }
    const daemon = new FakeLaunchd();
    daemon.session = "System";
    const { run } = daemon.programs;
    const pause = (): Promise<void> => Promise.resolve();
    const table: [Parameters<typeof Launchd.find>[1], string][] = [
      [{ run, userId: 0, pause }, "the same without sudo"],
      [
        { run, userId: USER_ID, pause },
        "the same in a terminal on the Mac's screen, or over ssh",
      ],
      [
        { run: () => Promise.resolve(undefined), userId: USER_ID, pause },
        "PATH=/bin:/usr/bin:$PATH streamlib broker doctor",
      ],
    ];
    for (const [tools, next] of table) {
      const error = await assertRejects(
        () => Launchd.find(NAMES, tools),
        ServiceError,
      );
      assertEquals([error.code, error.next], ["no_manager", next]);
    }
  },
);

permittedTest(
  "launchd: over ssh and without anybody at the screen, the service is in the user's domain, and it is said",
  { read: true },
  async () => {
    for (
      const [screen, words] of [
        [true, "is not the one at the Mac's screen"],
        [false, "Nobody is logged in at this Mac's screen"],
      ] as const
    ) {
      const launchd = new FakeLaunchd();
      Object.assign(launchd, { session: "Background", screen });
      const { manager } = await managerOf(launchd);
      assertStringIncludes(manager.remarks.join(), words);
      await manager.load(false);
      assertEquals(launchd.told, [`bootstrap ${USER_DOMAIN} ${PLIST}`]);
      assertEquals(await manager.report(), { state: "listening" });
      await manager.restart();
      assertEquals(launchd.told.at(-1), `kickstart -k ${USER_TARGET}`);
      await manager.stop();
      assertEquals(launchd.told.at(-1), `bootout ${USER_TARGET}`);
      assertStringIncludes(manager.diagnosis, USER_TARGET);
    }
  },
);

Deno.test("launchd: what another session has loaded is managed where it is, not loaded twice", async () => {
  for (
    const [session, there, target] of [
      ["Background", DOMAIN, TARGET],
      ["Aqua", USER_DOMAIN, USER_TARGET],
    ] as const
  ) {
    const launchd = new FakeLaunchd();
    Object.assign(launchd, { session, loadedIn: there });
    const { manager } = await managerOf(launchd);
    assertStringIncludes(manager.remarks.join(), `is loaded in ${there}`);
    await manager.load(false);
    await manager.stop();
    assertEquals(launchd.told, [`bootout ${target}`]);
  }
});

permittedTest(
  "launchd: an agent that is switched off is not tried for long, and the error says where it is switched on",
  { read: true },
  async () => {
    for (const switched of ["disabled", "true"] as const) {
      const launchd = new FakeLaunchd();
      launchd.switched = switched;
      const { manager } = await managerOf(launchd);
      const error = await assertRejects(
        () => manager.load(false),
        ServiceError,
      );
      assertEquals(
        [error.code, error.next],
        ["refused", `launchctl enable ${TARGET}`],
      );
      assertStringIncludes(error.message, "Login Items");
      assertEquals(launchd.told, []);
      launchd.switched = "enabled";
      await manager.load(false);
      assert(launchd.loaded);
    }
  },
);

permittedTest(
  "launchd: a killed broker that waits for its ThrottleInterval has not failed for good",
  { read: true },
  async () => {
    const launchd = new FakeLaunchd();
    const { manager } = await managerOf(launchd);
    Object.assign(launchd, { loaded: true, lastExit: "137", throttled: 2 });
    const reason = "it ended with exit code 137";
    assertEquals(await manager.report(), { state: "running", reason });
    assertEquals(await manager.report(), { state: "running", pid: 4713 });
    Object.assign(launchd, { pid: 0 });
    assertEquals(await manager.report(), { state: "failed", reason });
  },
);

permittedTest(
  "launchd: a property list of another session is named, not only launchd's code for it",
  { read: true, write: true },
  async () => {
    const home = await Deno.makeTempDir();
    try {
      const names = namesOf(home, "darwin");
      const launchd = new FakeLaunchd();
      const find = (): Promise<Launchd> =>
        Launchd.find(names, {
          run: launchd.programs.run,
          userId: USER_ID,
          pause: () => Promise.resolve(),
        });
      const [file] = (await find()).files(programOf(home));
      await Deno.mkdir(`${home}/Library/LaunchAgents`, { recursive: true });
      await Deno.writeTextFile(file!.path, file!.text);
      launchd.session = "Background";
      const error = await assertRejects(
        async () => (await find()).load(false),
        ServiceError,
      );
      assertEquals(error.next, "streamlib broker update");
      assertStringIncludes(error.message, "Aqua");
      assertEquals(launchd.told, []);
    } finally {
      await Deno.remove(home, { recursive: true });
    }
  },
);
