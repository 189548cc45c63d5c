import { assertEquals } from "@std/assert";
import { installedWords } from "../../cli/commands/broker_service.ts";
import type { Examination } from "../../cli/doctor/examination.ts";
import { checkService } from "../../cli/doctor/links/service.ts";
import { closingLines, findingLines } from "../../cli/doctor/report.ts";
import { brokerProgram } from "../../launchd/broker_program.ts";
import { Installer } from "../../launchd/installer.ts";
import { type BrokerParts, keepParts } from "../../launchd/kept_copy.ts";
import { Launchd } from "../../launchd/launchd.ts";
import { runProgram } from "../../launchd/run_program.ts";
import { ServiceError } from "../../launchd/service_error.ts";
import type { Names } from "../../proto/names.ts";
import { TestConsole } from "../helpers/cli.ts";
import { assertGolden } from "../helpers/golden.ts";
import { USER_ID } from "../helpers/launchd.ts";
import { Mac } from "../helpers/mac.ts";
import { MacFiles } from "../helpers/mac_files.ts";
import { permittedTest } from "../helpers/permitted.ts";

const NEEDS = { read: true, write: true, run: true, env: true } as const;
const SPACE = { columns: Infinity, colour: false };

/** A user of a Mac, who sees what `install` and the doctor's link `service` say. */
class Session implements AsyncDisposable {
  readonly mac = new Mac("ada");
  readonly files: MacFiles;
  #seen = "";

  constructor() {
    Deno.mkdirSync(this.mac.home);
    this.files = new MacFiles(this.mac.home);
  }

  /** The agent, as this session sees it. */
  launchd(names: Names = this.mac.names): Promise<Launchd> {
    const pause = (): Promise<void> => Promise.resolve();
    return Launchd.find(names, { run: runProgram, userId: USER_ID, pause });
  }

  /** What is in the folder of copies. */
  async copies(): Promise<string[]> {
    try {
      const folder = `${this.mac.names.home}/installed`;
      return (await Array.fromAsync(Deno.readDir(folder)))
        .map(({ name }) => name);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  }

  async #installer(
    parts: BrokerParts,
    names: Names,
    tryOut: () => Promise<void>,
  ): Promise<Installer> {
    return new Installer({
      names,
      manager: await this.launchd(names),
      program: async () => {
        const { parts: kept, remarks } = await keepParts(names, parts);
        return { ...brokerProgram({ names, ...kept }), remarks };
      },
      tryOut,
      isServed: () => Promise.resolve(false),
    });
  }

  /** Uninstalls the broker. */
  async uninstall(parts: BrokerParts): Promise<void> {
    const { names } = this.mac;
    const works = (): Promise<void> => Promise.resolve();
    const installer = await this.#installer(parts, names, works);
    const { files } = await installer.uninstall();
    this.#see("uninstall", [...files]);
  }

  /** Installs a broker of these parts. `tryOut` is its trial, which is not shown. */
  async install(
    parts: BrokerParts,
    names: Names = this.mac.names,
    tryOut: () => Promise<void> = () => Promise.resolve(),
  ): Promise<void> {
    const installer = await this.#installer(parts, names, tryOut);
    const said: string[] = [];
    try {
      const outcome = await installer.install(false);
      said.push(
        ...outcome.files,
        ...installedWords(names.service, "launchd", outcome)
          .map((line) => `! ${line}`),
      );
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      said.push(`! streamlib: ${error.message}`, `! Try: ${error.next}`);
    }
    this.#see("install", said);
  }

  /** Runs the doctor's link. `own`: what `install` would install. */
  async doctor(own: BrokerParts): Promise<void> {
    const console = new TestConsole();
    console.runProgram = runProgram;
    console.userId = () => USER_ID;
    const known: Examination["known"] = { names: this.mac.names };
    const finding = await checkService({ console, known }, own);
    this.#see("doctor", [
      ...findingLines(finding, SPACE),
      ...closingLines([finding], SPACE),
    ]);
  }

  /** Compares all that was said with the golden file. */
  async assertSaw(golden: string): Promise<void> {
    await assertGolden(
      golden,
      this.#seen.replaceAll(this.mac.root, "/Users")
        .replace(/(-)[0-9a-f]{16}\b/g, "$1HASH"),
    );
  }

  #see(command: string, lines: readonly string[]): void {
    this.#seen += [`$ streamlib broker ${command}`, ...lines, "", ""].join(
      "\n",
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.mac[Symbol.asyncDispose]();
  }
}

permittedTest(
  "on a Mac: what a user sees with a checkout in Documents",
  NEEDS,
  async () => {
    await using session = new Session();
    const { files, mac } = session;
    const checkout = files.checkout("Documents");
    const parts = files.parts(checkout, files.deno(".deno/bin"));
    await session.doctor(parts);
    await session.install(parts);
    await session.doctor(parts);
    // As an older version has installed it.
    const plist = await Deno.readTextFile(mac.names.plistFile!);
    await Deno.writeTextFile(
      mac.names.plistFile!,
      plist.replaceAll(
        /<string>[^<]*installed[^<]*\/module\//g,
        `<string>${checkout}/`,
      ),
    );
    await session.doctor(parts);
    await session.uninstall(parts);
    assertEquals(await session.copies(), []);
    const dev = { STREAMLIB_HOME: `${checkout}/.streamlib` };
    await session.install(parts, files.namesWith(dev));
    await session.assertSaw("mac_documents.txt");
  },
);

permittedTest(
  "on a Mac: what a user sees with a Deno in npx's cache, before and after the cache is cleaned",
  NEEDS,
  async () => {
    await using session = new Session();
    const { files, mac } = session;
    const deno = files.deno(".npm/_npx/ab12/node_modules/@deno/darwin-arm64");
    const parts = files.parts(files.checkout("src"), deno);
    await session.install(
      parts,
      mac.names,
      () =>
        Promise.reject(
          new ServiceError(
            "does_not_run",
            `Cannot install the broker ${mac.names.service}: launchd started it for a trial, and it does not answer`,
            "streamlib broker doctor",
          ),
        ),
    );
    assertEquals(await session.copies(), []);
    await session.install(parts);
    await session.doctor(parts);
    // The upgraded Deno is copied, and the copy of the old one removed.
    const [old] = await session.copies();
    await Deno.writeTextFile(deno, "a newer Deno");
    await session.install(parts);
    const copies = await session.copies();
    assertEquals([copies.length, copies[0] === old], [1, false]);
    // As an older version has installed it.
    const plist = await Deno.readTextFile(mac.names.plistFile!);
    await Deno.writeTextFile(
      mac.names.plistFile!,
      plist.replace(
        /<string>[^<]*\/deno<\/string>/,
        `<string>${deno}</string>`,
      ),
    );
    await session.doctor(parts);
    await Deno.remove(`${mac.home}/.npm`, { recursive: true });
    await session.doctor(parts);
    await session.assertSaw("mac_cache.txt");
  },
);

permittedTest(
  "on a Mac: what a user sees over ssh, without and with an agent of the screen",
  NEEDS,
  async () => {
    await using session = new Session();
    const { files, mac } = session;
    const parts = files.parts(files.checkout("src"), files.deno(".deno/bin"));
    mac.note("session", "Background");
    await session.install(parts);
    await session.doctor(parts);
    mac.note("session", "Aqua");
    // Another Deno, which the service does not use, is in a cache.
    await session.doctor({ ...parts, runtime: files.deno(".npm/_npx/ab12") });
    await session.assertSaw("mac_ssh.txt");
  },
);

permittedTest(
  "on a Mac: what a user sees without anybody at the screen, with the agent switched off, and as a daemon",
  NEEDS,
  async () => {
    await using session = new Session();
    const { files, mac } = session;
    const parts = files.parts(files.checkout("src"), files.deno(".deno/bin"));
    mac.note("session", "Background");
    mac.note("no-screen", "");
    await session.install(parts);
    await session.doctor(parts);
    await (await session.launchd()).stop();
    mac.note("disabled", mac.names.service);
    await session.doctor(parts);
    mac.note("session", "System");
    await session.doctor(parts);
    await session.assertSaw("mac_headless.txt");
  },
);
