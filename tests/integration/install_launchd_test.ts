import { assertEquals, assertRejects } from "@std/assert";
import { Installer } from "../../launchd/installer.ts";
import { Launchd } from "../../launchd/launchd.ts";
import { runProgram } from "../../launchd/run_program.ts";
import { ServiceError } from "../../launchd/service_error.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { namesOf, programOf, SERVICE } from "../helpers/service.ts";
import { hasPython } from "../helpers/service_user.ts";

const NEEDS = { read: true, write: true, run: true, env: true } as const;
const SCRIPT = new URL("../fixtures/launchctl.py", import.meta.url);
const ignore = !hasPython();

permittedTest(
  `install: an agent, by a launchctl of real processes${
    ignore ? " (ignored: there is no python3)" : ""
  }`,
  NEEDS,
  async () => {
    const root = await Deno.makeTempDir();
    const path = Deno.env.get("PATH");
    try {
      await Deno.copyFile(SCRIPT, `${root}/launchctl`);
      await Deno.chmod(`${root}/launchctl`, 0o755);
      Deno.env.set("PATH", `${root}:${path}`);
      Deno.env.set("FAKE_LAUNCHD", root);
      const home = `${root}/Ada & "S" <1>`;
      const names = namesOf(home, "darwin");
      const installerOf = (userId: number, program: string): Installer =>
        new Installer({
          names,
          manager: new Launchd(names, {
            run: runProgram,
            userId,
            pause: () => Promise.resolve(),
          }),
          program: () => Promise.resolve(programOf(program)),
          // The script starts nothing.
          tryOut: () => Promise.resolve(),
          isServed: () => Promise.resolve(false),
        });
      const installer = installerOf(501, home);
      assertEquals(await installer.install(false), {
        report: { state: "listening" },
        files: [`${home}/Library/LaunchAgents/${SERVICE}.plist`],
      });
      assertEquals((await installer.install(false)).files, []);
      // Another Deno: the loaded agent takes some time to end.
      const updated = await installerOf(501, "/elsewhere").update();
      assertEquals(updated.report, { state: "listening" });
      assertEquals((await installer.uninstall()).files, [names.plistFile!]);
      const calls = (await Deno.readTextFile(`${root}/calls`)).split("\n");
      const domain = "gui/501";
      const bootstrap = `bootstrap ${domain} ${names.plistFile}`;
      assertEquals(
        calls.filter((line) => line !== "" && !line.startsWith("print ")),
        [
          bootstrap,
          `bootout ${domain}/${SERVICE}`,
          bootstrap,
          `bootout ${domain}/${SERVICE}`,
        ],
      );
      const { code } = await assertRejects(
        () => installerOf(502, home).install(false),
        ServiceError,
      );
      assertEquals(code, "no_manager");
    } finally {
      Deno.env.set("PATH", path!);
      Deno.env.delete("FAKE_LAUNCHD");
      await Deno.remove(root, { recursive: true });
    }
  },
  { ignore },
);
