/**
 * A project as a reader of a guide has it: a folder outside of the checkout
 * with the guide's files, in which its commands are run one after the other.
 */

import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import {
  blocksOf,
  commandsOf,
  fileOf,
  fragmentsOf,
  isShown,
  type ShownCommand,
} from "./markdown.ts";

const CHECKOUT = fileURLToPath(new URL("../../", import.meta.url))
  .replace(/\/$/, "");

/** Where a guide says that the checkout is. */
const SHOWN_CHECKOUT = "../streamlib-bridge";

/** A command that goes on. */
interface Running {
  readonly command: ShownCommand;
  readonly child: Deno.ChildProcess;
  readonly ended: Promise<void>;
  readonly written: { stdout: string; stderr: string };
}

/** One project; it and what still runs in it go away with its scope. */
export class GuideProject implements AsyncDisposable {
  readonly #folder: string;
  readonly #env: Record<string, string>;
  readonly #running: Running[] = [];

  private constructor(folder: string, env: Record<string, string>) {
    this.#folder = folder;
    this.#env = env;
  }

  /**
   * Makes one below a directory.
   *
   * @param start the page whose `deno.json` every project begins with
   */
  static async create(below: string, start: string): Promise<GuideProject> {
    const [folder, path] = [`${below}/project`, `${below}/path`];
    await Deno.mkdir(folder);
    await Deno.mkdir(path);
    await Deno.symlink(Deno.execPath(), `${path}/deno`);
    await Deno.writeTextFile(
      `${path}/streamlib`,
      `#!/bin/sh\nexec deno run -q --no-prompt --config "${CHECKOUT}/deno.json" ` +
        `-P=cli "${CHECKOUT}/broker/cli/main.ts" "$@"\n`,
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

  /** Writes the files and runs the commands of a page, in their order, and checks the types of all; how many commands there were. */
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
      assertShown(running.command, running.written.stdout);
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

  /** Checks the types of these files, which then are none. */
  async #check(names: Set<string>): Promise<void> {
    if (names.size === 0) return;
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["check", "--quiet", "--no-lock", ...names],
      cwd: this.#folder,
      env: this.#env,
      stdin: "null",
    }).output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    names.clear();
  }

  /** What a command prints, and where it fails its errors too. */
  async #finish(command: ShownCommand): Promise<void> {
    const { success, stdout, stderr } = await this.#shell(command).output();
    const text = new TextDecoder();
    assertShown(
      command,
      success ? text.decode(stdout) : text.decode(stdout) + text.decode(stderr),
      text.decode(stderr),
    );
  }

  /** Waits for its first line, where the page shows one. */
  async #start(command: ShownCommand): Promise<void> {
    const child = this.#shell(command).spawn();
    const written = { stdout: "", stderr: "" };
    const spoken = Promise.withResolvers<void>();
    const take = async (from: "stdout" | "stderr"): Promise<void> => {
      for await (
        const text of child[from].pipeThrough(new TextDecoderStream())
      ) {
        written[from] += text;
        if (written.stdout.includes("\n")) spoken.resolve();
      }
    };
    const ended = Promise.all([take("stdout"), take("stderr"), child.status])
      .then(() => spoken.resolve());
    this.#running.push({ command, child, ended, written });
    if (command.output.trim() === "") return;
    await spoken.promise;
    assert(
      written.stdout.includes("\n"),
      `'${command.line}' ended:\n${written.stderr}`,
    );
  }

  #shell({ line }: ShownCommand): Deno.Command {
    return new Deno.Command("sh", {
      // The shell makes way for the program, so that a signal reaches that.
      args: ["-c", line.replace(/^((?:\w+=\S+ )*)/, "$1exec ")],
      cwd: line.startsWith("deno task ") ? CHECKOUT : this.#folder,
      env: this.#env,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    });
  }

  /** Ends what still runs. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#running.map(end));
  }
}

async function end({ child, ended }: Running): Promise<void> {
  try {
    child.kill("SIGTERM");
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // it has ended already
  }
  await ended;
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
