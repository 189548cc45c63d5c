/**
 * The project of a reader of a guide: a folder outside the checkout with the
 * guide's files, in which the guide's commands are run in order.
 */

import { assert, assertEquals } from "@std/assert";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { pythonWith } from "../../tools/install/python.ts";
import { CollectedText, killTree, run, sendSignal } from "./child.ts";
import {
  blocksOf,
  commandsOf,
  fileOf,
  fragmentsOf,
  isShown,
  type ShownCommand,
} from "./markdown.ts";
import { soon } from "./soon.ts";

const CHECKOUT = fileURLToPath(new URL("../../", import.meta.url))
  .replace(/\/$/, "");

/** What a guide's Python code may import, and where it is installed. */
const REQUIREMENTS = new URL(
  "../../examples/camera-python-display/requirements.txt",
  import.meta.url,
);
const ENVIRONMENTS = new URL("../../c/out/guides/", import.meta.url);

/** Installs the packages that the Python code of guides imports. Returns the Python that has them. */
export function guidePython(): Promise<string> {
  return pythonWith(REQUIREMENTS, ENVIRONMENTS);
}

/** The folder that Python runs. */
const PYTHON_CLIENT = `${CHECKOUT}/client/python`;

/** The path of the checkout in the guides. */
const SHOWN_CHECKOUT = "../streamlib-bridge";

/** A command in the background. */
interface Running {
  readonly command: ShownCommand;
  readonly child: Deno.ChildProcess;
  readonly stdout: CollectedText;
  readonly stderr: CollectedText;
}

/** One project. Disposing it ends its background commands; the caller deletes the folder. */
export class GuideProject implements AsyncDisposable {
  readonly #folder: string;
  readonly #env: Record<string, string>;
  readonly #running: Running[] = [];

  private constructor(folder: string, env: Record<string, string>) {
    this.#folder = folder;
    this.#env = env;
  }

  /**
   * Creates a project in a new folder of `below`.
   *
   * @param start the page that has the project's `deno.json`
   */
  static async create(below: string, start: string): Promise<GuideProject> {
    const [folder, path] = [`${below}/project`, `${below}/path`];
    await Deno.mkdir(folder);
    await Deno.mkdir(path);
    await Deno.symlink(Deno.execPath(), `${path}/deno`);
    await Deno.writeTextFile(
      `${path}/streamlib`,
      `#!/bin/sh\nexec deno run -q --no-prompt --config "${CHECKOUT}/deno.json" ` +
        `-P=cli "${CHECKOUT}/cli/main.ts" "$@"\n`,
      { mode: 0o755 },
    );
    const config = blocksOf(start)
      .find(({ language }) => language === "json")!.text;
    assert(config.includes(SHOWN_CHECKOUT), "the deno.json names no checkout");
    await Deno.writeTextFile(
      `${folder}/deno.json`,
      config.replaceAll(SHOWN_CHECKOUT, CHECKOUT),
    );
    return new GuideProject(folder, {
      PATH: `${path}:${Deno.env.get("PATH") ?? ""}`,
      NO_COLOR: "1",
    });
  }

  /**
   * Writes the files and runs the commands of a page, in order, and checks its code:
   * the types of TypeScript, and of Python what it declares. Returns the
   * number of commands.
   */
  async run(page: string): Promise<number> {
    let ran = 0;
    const unchecked = new Set<string>();
    const inPython = blocksOf(page).filter(({ language }) =>
      language === "python"
    );
    if (inPython.length > 0) await this.#makeEnvironment();
    for (const block of blocksOf(page)) {
      const file = fileOf(block);
      if (file?.name.endsWith(".py")) {
        await this.#write(file.name, file.code);
      } else if (file) {
        if (unchecked.has(file.name)) await this.#check(unchecked);
        await this.#write(file.name, file.code);
        unchecked.add(file.name);
      }
      if (block.language !== "console") continue;
      for (const command of commandsOf(block)) {
        ran++;
        if (command.background) await this.#start(command);
        else await this.#finish(command);
      }
    }
    for (const running of this.#running.splice(0).reverse()) {
      await end(running);
      assertShown(running.command, running.stdout.text);
    }
    for (const [at, fragment] of fragmentsOf(page).entries()) {
      await this.#write(`fragment_${at}.ts`, fragment);
      unchecked.add(`fragment_${at}.ts`);
    }
    await this.#check(unchecked);
    for (const block of inPython) {
      const file = fileOf(block);
      assert(file, `a block is no file of Python: ${block.text}`);
      await this.#checkPython(file.name);
    }
    return ran;
  }

  /** Makes the virtual environment that a reader of the guide has. */
  async #makeEnvironment(): Promise<void> {
    const environment = dirname(dirname(await guidePython()));
    await Deno.symlink(environment, `${this.#folder}/.venv`);
  }

  /** Runs a test of a guide, or describes the processor of another file. */
  async #checkPython(name: string): Promise<void> {
    const isTest = name.startsWith("test_");
    const { code, stderr } = await run(`${this.#folder}/.venv/bin/python3`, {
      args: isTest
        ? ["-B", "-W", "error", "-m", "unittest", name]
        : ["-B", "-W", "error", PYTHON_CLIENT, "--describe", name],
      cwd: this.#folder,
      env: { ...this.#env, PYTHONPATH: PYTHON_CLIENT },
    });
    assertEquals(code, 0, `${name}: ${stderr}`);
  }

  #write(name: string, code: string): Promise<void> {
    return Deno.writeTextFile(`${this.#folder}/${name}`, code);
  }

  /** Checks the types of these files, and clears the set. */
  async #check(names: Set<string>): Promise<void> {
    if (names.size === 0) return;
    const { code, stderr } = await run(Deno.execPath(), {
      args: ["check", "--quiet", "--no-lock", ...names],
      cwd: this.#folder,
      env: this.#env,
    });
    assertEquals(code, 0, stderr);
    names.clear();
  }

  /** Runs a command to its end, and compares its output; with its errors if it fails. */
  async #finish(command: ShownCommand): Promise<void> {
    const { code, stdout, stderr } = await run("sh", this.#options(command));
    assertShown(command, code === 0 ? stdout : stdout + stderr, stderr);
  }

  /** Starts a command in the background. Waits for its first line if the page shows output. */
  async #start(command: ShownCommand): Promise<void> {
    const child = new Deno.Command("sh", {
      ...this.#options(command),
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const stdout = new CollectedText(child.stdout);
    const stderr = new CollectedText(child.stderr);
    this.#running.push({ command, child, stdout, stderr });
    if (command.output.trim() === "") return;
    const spoken = await stdout.until(
      `the first line of '${command.line}'`,
      (text) => text.includes("\n"),
    );
    if (spoken) return;
    await soon(stderr.end, "the end of its standard error");
    throw new Error(`'${command.line}' ended:\n${stderr.text}`);
  }

  #options({ line }: ShownCommand): Deno.CommandOptions {
    return {
      // The shell replaces itself by the program, so that signals reach the program.
      args: ["-c", line.replace(/^((?:\w+=\S+ )*)/, "$1exec ")],
      cwd: line.startsWith("deno task ") ? CHECKOUT : this.#folder,
      env: this.#env,
    };
  }

  /** Ends the commands in the background. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#running.map(end));
  }
}

/** Ends a command with SIGTERM and reads all its output. Kills it and throws if it does not end in time. */
async function end({ command, child, stdout, stderr }: Running): Promise<void> {
  sendSignal(child, "SIGTERM");
  const all = Promise.all([child.status, stdout.end, stderr.end]);
  try {
    await soon(all, `the end of '${command.line}'`);
  } catch (error) {
    await killTree(child.pid);
    throw error;
  }
}

function assertShown(
  { line, output: shown }: ShownCommand,
  output: string,
  errors = "",
): void {
  assert(
    isShown(shown, output),
    `'${line}' is shown to print\n${shown}\nand prints\n${output}\n${errors}`,
  );
}
