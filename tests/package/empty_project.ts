/**
 * A project that has only the packed package: outside the checkout, with its own
 * home, and with only those programs on its PATH that a test puts there.
 *
 * JSR is not used. `jsr:@streamlib/bridge` is loaded from a registry of the test
 * or, if the package is to be changed, from its folder through `links`. npm
 * packages are shared with this machine's Deno.
 */

import { fileURLToPath } from "node:url";
import { Program } from "../helpers/checkout.ts";
import {
  type Ended,
  onlyVariables,
  run,
  type RunOptions,
} from "../helpers/child.ts";
import { bundledEntry } from "../../tools/package/bundle.ts";
import { PACKAGE_FOLDER } from "../../tools/package/pack.ts";
import { prebuiltPath } from "../../tools/package/prebuilt_module.ts";

/** The module of the package that contains the shim for this system. */
const MODULE = bundledEntry(
  prebuiltPath(`${Deno.build.os}-${Deno.build.arch}`),
);

/** A project. It is removed when it is disposed. */
export class EmptyProject implements AsyncDisposable {
  readonly #root: string;
  readonly #registry: string | undefined;
  #package = fileURLToPath(PACKAGE_FOLDER);

  private constructor(root: string, registry: string | undefined) {
    this.#root = root;
    this.#registry = registry;
  }

  /**
   * Makes a project with a host and its client, and with its own folder for
   * Deno's downloads.
   *
   * @param options `ownNpm`: npm packages too are in that folder, which is empty
   */
  static async create(
    registry?: string,
    { ownNpm = false }: { ownNpm?: boolean } = {},
  ): Promise<EmptyProject> {
    const { stdout } = await run(Deno.execPath(), { args: ["info", "--json"] });
    const { denoDir } = JSON.parse(stdout);
    const root = await Deno.realPath(await Deno.makeTempDir());
    const project = new EmptyProject(root, registry);
    for (const folder of ["deno", "home", "path", "project"]) {
      await Deno.mkdir(`${root}/${folder}`);
    }
    if (ownNpm) {
      await Deno.mkdir(`${root}/deno/npm`);
    } else {
      await Deno.mkdir(`${denoDir}/npm`, { recursive: true });
      await Deno.symlink(`${denoDir}/npm`, `${root}/deno/npm`);
    }
    for (const name of ["host.ts", "invert.ts"]) {
      await Deno.copyFile(
        new URL(`project/${name}`, import.meta.url),
        `${root}/project/${name}`,
      );
    }
    await project.#configure();
    return project;
  }

  async #configure(): Promise<void> {
    const { version } = JSON.parse(
      await Deno.readTextFile(`${this.#package}/deno.json`),
    );
    const imports = Object.fromEntries(
      ["host", "client", "bootstrap"].map((name) => [
        `@streamlib/bridge/${name}`,
        `jsr:@streamlib/bridge@${version}/${name}`,
      ]),
    );
    await Deno.writeTextFile(
      `${this.#root}/project/deno.json`,
      JSON.stringify(
        this.#registry === undefined
          ? { imports, links: [this.#package] }
          : { imports },
      ),
    );
  }

  /** Replaces the package by a copy, in which `change` has changed the shim for this system. */
  async changeShim(change: (module: string) => string): Promise<void> {
    await this.#changePackage(async (copy) => {
      const module = await Deno.readTextFile(`${copy}/${MODULE}`);
      await Deno.writeTextFile(`${copy}/${MODULE}`, change(module));
    });
  }

  /** Replaces the package by a copy without its sources in TypeScript. */
  async removeSources(): Promise<void> {
    await this.#changePackage((copy) => removeFiles(copy, ".ts"));
  }

  async #changePackage(
    change: (copy: string) => Promise<void>,
  ): Promise<void> {
    const copy = `${this.#root}/package`;
    await copyFolder(this.#package, copy);
    await change(copy);
    this.#package = copy;
    await this.#configure();
  }

  /** Its folder, which is removed with it. */
  get root(): string {
    return this.#root;
  }

  /** The home of its user; empty before the first run. */
  get home(): string {
    return `${this.#root}/home`;
  }

  /** Puts a program on its PATH, as `name`. */
  async provide(name: string, program: string): Promise<void> {
    await Deno.symlink(program, `${this.#root}/path/${name}`);
  }

  /** Gives it an interpreter, and a client in Python instead of the one in TypeScript. */
  async providePython(interpreter: string): Promise<void> {
    await this.provide("python3", interpreter);
    await Deno.copyFile(
      new URL("project/invert.py", import.meta.url),
      `${this.#root}/project/invert.py`,
    );
    const host = await this.read("host.ts");
    await this.write("host.ts", host.replace("./invert.ts", "./invert.py"));
  }

  /** The npm packages that its Deno has downloaded, if its folder for them is its own. */
  async npmPackages(): Promise<string[]> {
    const found: string[] = [];
    const npm = `${this.#root}/deno/npm`;
    for await (const { name } of Deno.readDir(npm)) found.push(name);
    return found;
  }

  /** Reads a module of the project. */
  async read(name: string): Promise<string> {
    return await Deno.readTextFile(`${this.#root}/project/${name}`);
  }

  /** Writes a module of the project. */
  async write(name: string, text: string): Promise<void> {
    await Deno.writeTextFile(`${this.#root}/project/${name}`, text);
  }

  /** Downloads what the host and the client need. */
  async download(): Promise<Ended> {
    return await this.deno("cache", "host.ts", "invert.ts");
  }

  /** Runs the host with the permissions of a host. It may read the project, to find the lock file. */
  async run({ check = false }: { check?: boolean } = {}): Promise<Ended> {
    return await this.deno(
      "run",
      "--no-prompt",
      ...(check ? ["--check"] : []),
      "--allow-ffi",
      "--allow-env",
      `--allow-run=${Deno.execPath()}`,
      `--allow-read=${this.#root}/project`,
      "host.ts",
    );
  }

  /** Starts a program that is not on the PATH. Returns how that ended. */
  async start(program: string): Promise<Ended> {
    const code = `new Deno.Command(${JSON.stringify(program)}).outputSync()`;
    return await this.deno("eval", code);
  }

  /** Runs Deno with a subcommand and its arguments. */
  async deno(subcommand: string, ...args: string[]): Promise<Ended> {
    return await this.execute(Deno.execPath(), subcommand, "--quiet", ...args);
  }

  /** Runs a program, by its absolute path, to its end. */
  async execute(program: string, ...args: string[]): Promise<Ended> {
    return await run(program, this.#options(args));
  }

  /** Starts Deno with a subcommand and its arguments. */
  spawn(subcommand: string, ...args: string[]): Program {
    return new Program(
      new Deno.Command(Deno.execPath(), {
        ...this.#options([subcommand, "--quiet", ...args]),
        stdin: "piped",
        stdout: "piped",
        stderr: "piped",
      }).spawn(),
    );
  }

  #options(args: string[]): RunOptions {
    return {
      args,
      cwd: `${this.#root}/project`,
      ...onlyVariables({
        HOME: this.home,
        PATH: `${this.#root}/path`,
        DENO_DIR: `${this.#root}/deno`,
        DENO_NO_UPDATE_CHECK: "1",
        NO_COLOR: "1",
        ...wayToRegistries(),
        ...(this.#registry !== undefined && { JSR_URL: this.#registry }),
      }),
    };
  }

  /** Removes all of it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#root, { recursive: true });
  }
}

/** The variables by which Deno reaches a registry from this machine: certificates and proxies. */
function wayToRegistries(): Record<string, string> {
  const names = [
    "DENO_CERT",
    "DENO_TLS_CA_STORE",
    "NODE_EXTRA_CA_CERTS",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
  ];
  const set = names.map((name) => [name, Deno.env.get(name)] as const);
  return Object.fromEntries(
    set.filter((entry): entry is [typeof entry[0], string] =>
      entry[1] !== undefined
    ),
  );
}

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to);
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyFolder(`${from}/${name}`, `${to}/${name}`);
    else await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
  }
}

/** Removes the files whose name has this end. */
async function removeFiles(folder: string, end: string): Promise<void> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) await removeFiles(`${folder}/${name}`, end);
    else if (name.endsWith(end)) await Deno.remove(`${folder}/${name}`);
  }
}
