import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { Installer } from "../../../launchd/installer.ts";
import {
  ServiceError,
  type ServiceErrorCode,
} from "../../../launchd/service_error.ts";
import type {
  ServiceManager,
  ServiceReport,
} from "../../../launchd/service_manager.ts";
import { SIGNATURE } from "../../../launchd/signature.ts";
import type { Names } from "../../../proto/names.ts";
import { permittedTest } from "../../helpers/permitted.ts";
import { namesOf, programOf } from "../../helpers/service.ts";

const NEEDS = { read: true, write: true } as const;

/** A service manager with two files that records its calls. */
class FakeManager implements ServiceManager {
  readonly kind = "systemd";
  readonly told: string[] = [];
  readonly remarks = [];
  readonly diagnosis = "look";
  readonly directories: readonly string[];
  readonly leftovers: readonly string[];
  readonly paths: readonly string[];
  readonly stderrFile: string;
  version = 1;
  state: ServiceReport["state"] = "absent";
  managed = true;

  constructor(readonly home: string, names: Names) {
    this.paths = [`${home}/units/a`, `${home}/units/b`];
    this.leftovers = [`${home}/units/link`];
    this.directories = [names.logDirectory];
    this.stderrFile = `${home}/stderr`;
  }

  files = (): { path: string; text: string }[] =>
    this.paths.map((path) => ({
      path,
      text: `${SIGNATURE}\n${this.version}\n`,
    }));

  #tell(what: string): Promise<void> {
    if (!this.managed) {
      throw new ServiceError("no_manager", "there is no bus", "");
    }
    this.told.push(what);
    return Promise.resolve();
  }

  async report(): Promise<ServiceReport> {
    await this.#tell("report");
    this.told.pop();
    return { state: this.state };
  }
  async load(changed: boolean): Promise<void> {
    await this.#tell(`load ${changed}`);
    this.state = "listening";
  }
  lastWords = (): Promise<string[]> => Promise.resolve([]);
  stop = (): Promise<void> => this.#tell("stop");
  restart = (): Promise<void> => this.#tell("restart");
  unload = async (): Promise<void> => await this.#tell("unload");
  forget = async (): Promise<void> => await this.#tell("forget");
}

class Stage implements Disposable {
  readonly home: string = Deno.makeTempDirSync();
  readonly names: Names = namesOf(this.home, "linux");
  readonly manager: FakeManager = new FakeManager(this.home, this.names);
  served = false;
  tryOut = (): Promise<void> => Promise.resolve();
  readonly installer: Installer = new Installer({
    names: this.names,
    manager: this.manager,
    program: () => Promise.resolve(programOf(this.home)),
    tryOut: () => this.tryOut(),
    isServed: () => Promise.resolve(this.served),
  });

  mode(path: string): string {
    return (Deno.lstatSync(path).mode! & 0o777).toString(8);
  }

  async refuses(
    code: ServiceErrorCode,
    act: () => Promise<unknown>,
    ...texts: string[]
  ): Promise<void> {
    const error = await assertRejects(act, ServiceError);
    assertEquals(error.code, code, error.message);
    for (const text of texts) assertStringIncludes(error.message, text);
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.home, { recursive: true });
  }
}

permittedTest(
  "installer: installs, and again does nothing, then removes all of it",
  NEEDS,
  async () => {
    using stage = new Stage();
    const { installer, manager, names } = stage;
    assert(!await installer.isInstalled());
    const first = await installer.install(false);
    assertEquals(first, {
      report: { state: "listening" },
      files: manager.paths,
      remarks: [],
    });
    assert(await installer.isInstalled());
    for (const path of manager.paths) assertEquals(stage.mode(path), "644");
    assertEquals(stage.mode(names.logDirectory), "700");
    assertEquals((await installer.install(false)).files, []);
    assertEquals(manager.told, ["load true", "load false"]);

    await Deno.symlink(manager.paths[0]!, manager.leftovers[0]!);
    await Deno.writeTextFile(names.logFile, "");
    await Deno.writeTextFile(`${names.logFile}.1`, "");
    const { files } = await installer.uninstall();
    assertEquals(files, [
      ...manager.paths,
      ...manager.leftovers,
      names.logFile,
      `${names.logFile}.1`,
    ]);
    assertEquals(manager.told.slice(2), ["unload", "forget"]);
    assertEquals(
      Array.from(Deno.readDirSync(stage.home), ({ name }) => name),
      ["units"],
    );
    assertEquals(Array.from(Deno.readDirSync(`${stage.home}/units`)), []);
    assertEquals((await installer.uninstall()).files, []);
  },
);

permittedTest(
  "installer: other logs in the directory stay",
  NEEDS,
  async () => {
    using stage = new Stage();
    const { installer, names } = stage;
    await installer.install(false);
    await Deno.writeTextFile(`${names.logDirectory}/runtime.log`, "kept");
    await installer.uninstall();
    assertEquals(
      await Deno.readTextFile(`${names.logDirectory}/runtime.log`),
      "kept",
    );
  },
);

permittedTest(
  "installer: an update writes what has changed, and needs something to update",
  NEEDS,
  async () => {
    using stage = new Stage();
    const { installer, manager } = stage;
    await stage.refuses("not_installed", () => installer.update());
    await installer.install(false);
    assertEquals((await installer.update()).files, []);
    manager.version = 2;
    assertEquals((await installer.update()).files, manager.paths);
    assertEquals(manager.told, ["load true", "load false", "load true"]);
    assertStringIncludes(await Deno.readTextFile(manager.paths[0]!), "\n2\n");
  },
);

permittedTest(
  "installer: what somebody else wrote is neither written over nor removed",
  NEEDS,
  async () => {
    using stage = new Stage();
    const { installer, manager } = stage;
    const [path] = manager.paths;
    await Deno.mkdir(`${stage.home}/units`);
    await Deno.writeTextFile(path!, "[Unit]\n");
    const refuse = async (what: string): Promise<void> => {
      await stage.refuses("not_ours", () => installer.install(false), what);
      await stage.refuses("not_ours", () => installer.uninstall(), what);
    };
    await refuse("streamlib did not write");
    assertEquals(await Deno.readTextFile(path!), "[Unit]\n");
    assertEquals(manager.told, []);

    await Deno.writeTextFile(`${stage.home}/elsewhere`, "precious");
    await Deno.remove(path!);
    await Deno.symlink(`${stage.home}/elsewhere`, path!);
    await refuse("a link");
    // With --force the link is replaced, not its target.
    await installer.install(true);
    assert(Deno.lstatSync(path!).isFile);
    assertEquals(
      await Deno.readTextFile(`${stage.home}/elsewhere`),
      "precious",
    );

    await Deno.remove(path!);
    await Deno.mkdir(path!);
    await refuse("a directory");
    await stage.refuses("not_ours", () => installer.install(true));
  },
);

permittedTest(
  "installer: a broker that was started by hand keeps its sockets, unless it is forced",
  NEEDS,
  async () => {
    using stage = new Stage();
    const { installer, manager } = stage;
    stage.served = true;
    await stage.refuses(
      "in_use",
      () => installer.install(false),
      "started by hand",
    );
    assert(!await installer.isInstalled());
    await installer.install(true);
    // The installed broker answers now.
    assertEquals(manager.state, "listening");
    await installer.install(false);
  },
);

permittedTest(
  "installer: a broker that does not run is not installed, and the one before stays",
  NEEDS,
  async () => {
    using stage = new Stage();
    const { installer, manager } = stage;
    const broken = (): Promise<void> =>
      Promise.reject(new ServiceError("does_not_run", "it ended", "look"));
    stage.tryOut = broken;
    await stage.refuses("does_not_run", () => installer.install(false));
    assertEquals(Array.from(Deno.readDirSync(stage.home)), []);
    assertEquals(manager.told, []);

    stage.tryOut = () => Promise.resolve();
    await installer.install(false);
    manager.version = 2;
    stage.tryOut = broken;
    await stage.refuses("does_not_run", () => installer.update());
    assertStringIncludes(await Deno.readTextFile(manager.paths[0]!), "\n1\n");
    assertEquals(manager.told, ["load true"]);
  },
);

permittedTest(
  "installer: what cannot be loaded is put back as it was",
  NEEDS,
  async () => {
    using stage = new Stage();
    const { installer, manager, names } = stage;
    const load = manager.load.bind(manager);
    const refuse = async (changed: boolean): Promise<void> => {
      manager.load = load;
      await load(changed);
      throw new ServiceError("refused", "no such socket", "");
    };
    await Deno.mkdir(names.home, { recursive: true });
    manager.load = refuse;
    await stage.refuses("refused", () => installer.install(true));
    assert(!await installer.isInstalled());
    assertEquals(manager.told, ["load true", "unload", "forget"]);

    await installer.install(true);
    manager.version = 2;
    manager.load = refuse;
    await stage.refuses("refused", () => installer.update(), "no such socket");
    assertStringIncludes(await Deno.readTextFile(manager.paths[0]!), "\n1\n");
    assertEquals(manager.told.slice(-2), ["load true", "load true"]);
  },
);

permittedTest(
  "installer: without a manager nothing is written, and everything is removed",
  NEEDS,
  async () => {
    using stage = new Stage();
    const { installer, manager } = stage;
    manager.managed = false;
    await stage.refuses("no_manager", () => installer.install(false));
    assert(!await installer.isInstalled());
    manager.managed = true;
    await installer.install(false);
    manager.managed = false;
    const { files, unmanaged } = await installer.uninstall();
    assertEquals(files, manager.paths);
    assertEquals(unmanaged, "there is no bus");
  },
);

permittedTest(
  "installer: what cannot be written is told with its path",
  NEEDS,
  async () => {
    using stage = new Stage();
    await Deno.writeTextFile(`${stage.home}/units`, "a file in the way");
    await stage.refuses(
      "refused",
      () => stage.installer.install(true),
      `Cannot write ${stage.home}/units/a`,
    );
  },
);
