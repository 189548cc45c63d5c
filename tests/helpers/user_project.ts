/**
 * A user's project in a folder outside the checkout, whose programs are run as a
 * user runs them.
 */

import { type Ended, run } from "./child.ts";

const CHECKOUT = new URL("../../", import.meta.url);

/** The URL of a public module of this checkout. */
function publicModule(name: "host" | "client"): string {
  return new URL(`${name}/mod.ts`, CHECKOUT).href;
}

/** A client that has no ports; its setup can do something. */
export function clientCode(setup = "", imports = ""): string {
  return `${imports}\nimport { reactive } from "${publicModule("client")}";
export default reactive({
  async setup() { ${setup} },
  process() {},
});\n`;
}

/** A host that launches client.ts with the options of its first argument, and prints "ready", or the error. `then` runs when it is ready, before the host is closed. */
export function hostCode(then = "", imports = ""): string {
  return `${imports}\nimport { ReactiveHost } from "${publicModule("host")}";
const options = {
  module: new URL("./client.ts", import.meta.url),
  ...JSON.parse(Deno.args[0] ?? "{}"),
};
try {
  await using host = ReactiveHost.launch(options);
  await host.ready;
  console.log("ready");
  ${then}
} catch (error) {
  console.log("caught", error.code, error.message);
}\n`;
}

/** A folder with the files of a project. */
export class UserProject implements Disposable {
  readonly folder: string;
  readonly #parent: string;

  /** Makes the files, by their paths. Without client.ts and host.ts the plain ones are made. */
  constructor(files: Readonly<Record<string, string>> = {}, name = "project") {
    this.#parent = Deno.makeTempDirSync({ prefix: "sl" });
    this.folder = `${this.#parent}/${name}`;
    const all = { "client.ts": clientCode(), "host.ts": hostCode(), ...files };
    for (const [path, text] of Object.entries(all)) {
      const file = `${this.folder}/${path}`;
      Deno.mkdirSync(file.slice(0, file.lastIndexOf("/")), { recursive: true });
      Deno.writeTextFileSync(file, text);
    }
  }

  /** Runs host.ts with these options of `launch`, to its end. */
  launch(
    options: Readonly<Record<string, unknown>> = {},
    { deno = Deno.execPath(), env = {} }: {
      readonly deno?: string;
      readonly env?: Readonly<Record<string, string>>;
    } = {},
  ): Promise<Ended> {
    return run(deno, {
      args: [
        "run",
        "--quiet",
        "--no-prompt",
        "--allow-all",
        "host.ts",
        JSON.stringify(options),
      ],
      cwd: this.folder,
      env: { STREAMLIB_HOME: `${this.#parent}/home`, NO_COLOR: "1", ...env },
    });
  }

  /** The text of a file. */
  read(path: string): string {
    return Deno.readTextFileSync(`${this.folder}/${path}`);
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.#parent, { recursive: true });
  }
}
