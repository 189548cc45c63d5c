/**
 * A bootstrap with ordinary XPC programs below it, all in C: see
 * `c/tests/programs/`. The programs do not know that they are in a bootstrap.
 */

import { assert } from "@std/assert";
import { ADDRESS, complains } from "../../tools/c/checkers.ts";
import { REPLACED } from "../../tools/fuzz/fuzzers.ts";
import { cc, compileObject, whenChanged } from "../../tools/c/compile.ts";
import { LINUX, listLibxpc, listShim } from "../../tools/c/sources.ts";
import { CollectedText, killTree, statusOf } from "./child.ts";
import { soon, until } from "./soon.ts";

const FLAGS = [...LINUX, ...ADDRESS.flags];

/** The paths of the programs. */
export interface TreePrograms {
  readonly launcher: string;
  readonly service: string;
  readonly asker: string;
}

/** Compiles the programs if their sources have changed. Their objects are those of `deno task test:c`. */
export async function compileTreePrograms(): Promise<TreePrograms> {
  const part = (name: string, sources: string[]): Promise<string> =>
    compileObject(`${ADDRESS.name}/${name}.o`, sources, FLAGS);
  const fixed = (await listLibxpc()).filter((file) => !REPLACED.includes(file));
  const libxpc = [
    await part("linux_fixed", fixed),
    await part("linux_replaced", [...REPLACED]),
  ];
  const shim = await part("shim", await listShim("linux"));
  const link = (name: string, ...objects: string[]): Promise<string> => {
    const sources = [`c/tests/programs/${name}.c`, ...objects];
    return whenChanged(
      `programs/${name}`,
      sources,
      FLAGS,
      (output) => cc([...FLAGS, ...sources, "-o", output]),
    );
  };
  return {
    launcher: await link("tree_launcher", shim, ...libxpc),
    service: await link("tree_service", ...libxpc),
    asker: await link("tree_asker", ...libxpc),
  };
}

/** Whether a thread, named by its folder in /proc, is stopped. One that has ended is not: it is not listed again. */
function isStopped(task: string): boolean {
  try {
    const stat = Deno.readTextFileSync(`${task}/stat`);
    return stat[stat.lastIndexOf(")") + 2] === "T";
  } catch {
    return false;
  }
}

/** A bootstrap, what it starts, and the lines that they print. */
export class Tree implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #stdout: CollectedText;
  readonly #stderr: CollectedText;
  readonly #started = new Set<number>();

  /** Starts a bootstrap. The variables are for it and for what it starts. */
  static start(
    { launcher }: TreePrograms,
    { isolated = false, env = {} }: {
      isolated?: boolean;
      env?: Record<string, string>;
    } = {},
  ): Tree {
    return new Tree(
      new Deno.Command(launcher, {
        args: isolated ? ["isolated"] : [],
        env,
        stdin: "piped",
        stdout: "piped",
        stderr: "piped",
      }).spawn(),
    );
  }

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#input = child.stdin.getWriter();
    this.#stdout = new CollectedText(child.stdout);
    this.#stderr = new CollectedText(child.stderr);
  }

  /** The process of the bootstrap. */
  get pid(): number {
    return this.#child.pid;
  }

  /** Everything that was printed so far, by it and by the programs below it. */
  get lines(): string[] {
    return this.#stdout.text.split("\n").slice(0, -1);
  }

  /** What was written to the standard error. */
  get errors(): string {
    return this.#stderr.text;
  }

  /** How many of the lines match. */
  count(pattern: RegExp): number {
    return this.lines.filter((line) => pattern.test(line)).length;
  }

  /** Waits for the Nth line that matches, and returns the match. */
  async line(pattern: RegExp, nth = 1): Promise<RegExpExecArray> {
    const what = `line ${nth} with ${pattern}`;
    const found = await this.#stdout.until(
      what,
      () => this.count(pattern) >= nth,
    ).catch((error) => {
      throw new Error(
        `${error.message}\n${this.lines.join("\n")}\n${this.errors}`,
      );
    });
    assert(found, `${what}: ${this.lines.join("\n")}\n${this.errors}`);
    const line = this.lines.filter((it) => pattern.test(it))[nth - 1]!;
    return pattern.exec(line)!;
  }

  /** Starts a command of the shell in the tree, and returns its process. */
  async run(command: string): Promise<number> {
    const before = this.count(/^started /);
    await this.#input.write(new TextEncoder().encode(`${command}\n`));
    const [, pid] = await this.line(/^started (\d+)$/, before + 1);
    this.#started.add(Number(pid));
    return Number(pid);
  }

  /** Runs a command of the shell in the tree to its end, and returns its exit status. */
  async ends(command: string): Promise<number> {
    const pid = await this.run(command);
    const [, code] = await this.line(new RegExp(`^ended ${pid} (\\d+)$`));
    return Number(code);
  }

  /** Sends a signal to the bootstrap, or to a process below it. */
  signal(name: Deno.Signal, pid = this.pid): void {
    Deno.kill(pid, name);
  }

  /** Stops the bootstrap, until SIGCONT. Returns when none of its threads runs any more: a signal takes its time. */
  async stop(): Promise<void> {
    this.signal("SIGSTOP");
    const tasks = `/proc/${this.pid}/task`;
    await until(
      "the bootstrap stops",
      () =>
        [...Deno.readDirSync(tasks)].every(({ name }) =>
          isStopped(`${tasks}/${name}`)
        ),
    );
  }

  /** Kills the bootstrap; what it has started goes on. */
  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await soon(this.#child.status, "the end of the bootstrap");
  }

  /** Ends the bootstrap and all processes that it has started. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.signal("SIGCONT");
    } catch { /* it has ended */ }
    for (const pid of this.#started) {
      if (this.count(new RegExp(`^ended ${pid} `)) === 0) await killTree(pid);
    }
    await this.#input.close().catch(() => {});
    await statusOf(this.#child, "the end of the bootstrap");
    await soon(
      Promise.all([this.#stdout.end, this.#stderr.end]),
      "the last words of the tree",
    );
    assert(!complains(this.errors), this.errors);
  }
}
