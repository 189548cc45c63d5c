import { assert, assertEquals, assertRejects } from "@std/assert";
import { ServiceError } from "../../../launchd/service_error.ts";
import { loadSessionAgent } from "../../../launchd/session_agent.ts";
import type { Names } from "../../../proto/names.ts";
import {
  DOMAIN,
  FakeLaunchd,
  TARGET,
  USER_DOMAIN,
  USER_ID,
} from "../../helpers/launchd.ts";
import { permittedTest } from "../../helpers/permitted.ts";
import { namesOf, programOf } from "../../helpers/service.ts";

const NEEDS = { read: true, write: true } as const;

class Stage implements Disposable {
  readonly home: string = Deno.makeTempDirSync();
  readonly names: Names = namesOf(this.home, "darwin");
  readonly file: string = this.names.sessionPlistFile!;
  readonly launchd = new FakeLaunchd();
  program: string = this.home;

  async load(): Promise<string | undefined> {
    const { loaded, target } = await loadSessionAgent(this.names, {
      run: this.launchd.programs.run,
      userId: USER_ID,
      pause: () => Promise.resolve(),
      program: () => Promise.resolve(programOf(this.program)),
    });
    assertEquals(target, `${this.launchd.loadedIn}/${this.names.launchdLabel}`);
    return loaded;
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.home, { recursive: true });
  }
}

permittedTest(
  "session agent: is loaded from a file of STREAMLIB_HOME, once, and never from LaunchAgents",
  NEEDS,
  async () => {
    using stage = new Stage();
    assertEquals(await stage.load(), stage.file);
    const bootstrap = `bootstrap ${DOMAIN} ${stage.file}`;
    assertEquals(stage.launchd.told, [bootstrap]);
    assert((await Deno.readTextFile(stage.file)).includes("<plist"));
    assert(Deno.lstatSync(stage.names.runDirectory).isDirectory);
    assertEquals(
      Array.from(Deno.readDirSync(`${stage.home}/Library`), (e) => e.name),
      ["Logs"],
    );
    assertEquals(await stage.load(), undefined);
    assertEquals(stage.launchd.told, [bootstrap]);
    // After the next login.
    stage.launchd.loaded = false;
    assertEquals(await stage.load(), stage.file);
    assertEquals(stage.launchd.told, [bootstrap, bootstrap]);
  },
);

permittedTest(
  "session agent: one of another Deno is loaded anew",
  NEEDS,
  async () => {
    using stage = new Stage();
    await stage.load();
    stage.program = "/elsewhere";
    assertEquals(await stage.load(), stage.file);
    assertEquals(stage.launchd.told[1], `bootout ${TARGET}`);
    assert(stage.launchd.loaded);
  },
);

permittedTest(
  "session agent: one of another session is used, and without any it is loaded in this one's domain",
  NEEDS,
  async () => {
    using stage = new Stage();
    await stage.load();
    stage.launchd.session = "Background";
    // Its session type is that of the domain in which it is loaded.
    assertEquals(await stage.load(), undefined);
    Object.assign(stage.launchd, { loaded: false, screen: false });
    assertEquals(await stage.load(), stage.file);
    assertEquals(
      stage.launchd.told.at(-1),
      `bootstrap ${USER_DOMAIN} ${stage.file}`,
    );
    const text = await Deno.readTextFile(stage.file);
    assert(text.includes("<string>Background</string>"));
  },
);

permittedTest(
  "session agent: in a session of no user nothing is written, and a file of somebody else's stays",
  NEEDS,
  async () => {
    using stage = new Stage();
    stage.launchd.session = "System";
    const none = await assertRejects(() => stage.load(), ServiceError);
    assertEquals(none.code, "no_manager");
    assertEquals(Array.from(Deno.readDirSync(stage.home)), []);

    stage.launchd.session = "Aqua";
    await Deno.mkdir(`${stage.names.home}/launchd`, { recursive: true });
    await Deno.writeTextFile(stage.file, "mine");
    const foreign = await assertRejects(() => stage.load(), ServiceError);
    assertEquals(foreign.code, "not_ours");
    assertEquals(await Deno.readTextFile(stage.file), "mine");
  },
);
