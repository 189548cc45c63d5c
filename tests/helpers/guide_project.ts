/**
 * The project of a reader of a guide: a folder outside the checkout with the
 * guide's files, in which the guide's commands are run in order.
 */

import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
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

  /** Writes the files and runs the commands of a page, in order, and checks the types of its code. Returns the number of commands. */
  async run(page: string): Promise<number> {
    let ran = 0;
    const unchecked = new Set<string>();
    for (const block of blocksOf(page)) {
      const file = fileOf(block);
      if (file) {
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
    return ran;
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
