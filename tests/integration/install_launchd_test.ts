import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Installer } from "../../launchd/installer.ts";
import { Launchd } from "../../launchd/launchd.ts";
import { runProgram } from "../../launchd/run_program.ts";
import { ServiceError } from "../../launchd/service_error.ts";
import { USER_ID } from "../helpers/launchd.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { Mac } from "../helpers/mac.ts";
import { programOf, SERVICE } from "../helpers/service.ts";

const NEEDS = { read: true, write: true, run: true, env: true } as const;

/** An installer in the Mac's session. `program`: the folder of its Deno. */
async function installerOf(
  { home, names }: Mac,
  program = home,
  userId = USER_ID,
): Promise<Installer> {
  return new Installer({
    names,
    manager: await Launchd.find(names, {
      run: runProgram,
      userId,
      pause: () => Promise.resolve(),
    }),
    program: () => Promise.resolve(programOf(program)),
    // The script starts nothing.
    tryOut: () => Promise.resolve(),
    isServed: () => Promise.resolve(false),
  });
}

permittedTest(
  "install: an agent, by a launchctl of real processes",
  NEEDS,
  async () => {
    await using mac = new Mac();
    const { home, names } = mac;
    assertEquals(await (await installerOf(mac)).install(false), {
      report: { state: "listening" },
      files: [`${home}/Library/LaunchAgents/${SERVICE}.plist`],
      remarks: [],
    });
    assertEquals((await (await installerOf(mac)).install(false)).files, []);
    // Another Deno: the loaded agent takes some time to end.
    const updated = await (await installerOf(mac, "/elsewhere")).update();
    assertEquals(updated.report, { state: "listening" });
    assertEquals((await (await installerOf(mac)).uninstall()).files, [
      names.plistFile!,
    ]);
    const bootstrap = `bootstrap gui/501 ${names.plistFile}`;
    const bootout = `bootout gui/501/${SERVICE}`;
    assertEquals(await mac.told(), [bootstrap, bootout, bootstrap, bootout]);
    const { code } = await assertRejects(
      async () => (await installerOf(mac, home, 502)).install(false),
      ServiceError,
    );
    assertEquals(code, "no_manager");
  },
);

permittedTest(
  "install: an agent without anybody at the screen, and then updated from the screen",
  NEEDS,
  async () => {
    await using mac = new Mac();
    mac.note("session", "Background");
    mac.note("no-screen", "");
    const { plistFile } = mac.names;
    const { report } = await (await installerOf(mac)).install(false);
    assertEquals(report, { state: "listening" });
    await Deno.remove(`${mac.root}/no-screen`);
    mac.note("session", "Aqua");
    // It stays where it is loaded: both sessions see the same names.
    await (await installerOf(mac, "/elsewhere")).update();
    assertEquals(await mac.told(), [
      `bootstrap user/501 ${plistFile}`,
      `bootout user/501/${SERVICE}`,
      `bootstrap user/501 ${plistFile}`,
    ]);
    // Once it is unloaded there, an update has it loaded at the screen.
    const installer = await installerOf(mac, "/elsewhere");
    await installer.uninstall();
    await (await installerOf(mac)).install(false);
    assertEquals((await mac.told()).at(-1), `bootstrap gui/501 ${plistFile}`);
  },
);

permittedTest(
  "install: an agent that is switched off leaves nothing behind",
  NEEDS,
  async () => {
    await using mac = new Mac();
    mac.note("disabled", SERVICE);
    const error = await assertRejects(
      async () => (await installerOf(mac)).install(false),
      ServiceError,
    );
    assertEquals(error.next, `launchctl enable gui/501/${SERVICE}`);
    assertStringIncludes(error.message, "System Settings");
    await assertRejects(
      () => Deno.lstat(mac.names.plistFile!),
      Deno.errors.NotFound,
    );
    // What undoes an installation unloads the agent, which is not there.
    assertEquals(await mac.told(), [`bootout gui/501/${SERVICE}`]);
  },
);

permittedTest(
  "install: what is loaded in both domains is uninstalled from both",
  NEEDS,
  async () => {
    await using mac = new Mac();
    await (await installerOf(mac)).install(false);
    // A host over ssh had loaded an agent before the login at the screen.
    mac.load("user/501", SERVICE);
    await (await installerOf(mac)).uninstall();
    assertEquals(await mac.jobs(), []);
    assertEquals((await mac.told()).slice(1), [
      `bootout gui/501/${SERVICE}`,
      `bootout user/501/${SERVICE}`,
    ]);
  },
);
