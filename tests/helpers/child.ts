/**
 * Programs that a test runs. Each wait for one has a deadline, and a program
 * that is late is killed, with all that it has started.
 */

import { soon } from "./soon.ts";

/** How a program is run. */
export interface RunOptions
  extends Omit<Deno.CommandOptions, "stdin" | "stdout" | "stderr"> {
  /** Its standard input; empty by default. */
  readonly input?: string;
}

/** A program that has ended. */
export interface Ended {
  /** The exit code; 128 + signal number for a signal. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. When it is late, kills it and throws with what it wrote. */
export async function run(
  program: string,
  { input, ...options }: RunOptions,
): Promise<Ended> {
  const child = new Deno.Command(program, {
    ...options,
    stdin: input === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const stdout = new CollectedText(child.stdout);
  const stderr = new CollectedText(child.stderr);
  const all = Promise.all([
    child.status,
    stdout.end,
    stderr.end,
    input === undefined ? undefined : write(child, input),
  ]);
  const line = [program, ...options.args ?? []].join(" ");
  try {
    const [{ code }] = await soon(all, "its end");
    return { code, stdout: stdout.text, stderr: stderr.text };
  } catch (cause) {
    await killTree(child.pid);
    throw new Error(
      `${line}: ${(cause as Error).message}\n${stdout.text}${stderr.text}`,
      { cause },
    );
  }
}

async function write(child: Deno.ChildProcess, input: string): Promise<void> {
  const writer = child.stdin.getWriter();
  try {
    await writer.write(new TextEncoder().encode(input));
    await writer.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error; // it has ended
  }
}

/** How a child ends. When it is late, kills it and throws. */
export async function statusOf(
  child: Deno.ChildProcess,
  what: string,
): Promise<Deno.CommandStatus> {
  try {
    return await soon(child.status, what);
  } catch (error) {
    await killTree(child.pid);
    throw error;
  }
}

/** Sends a signal to a child, unless it has ended. */
export function sendSignal(child: Deno.ChildProcess, name: Deno.Signal): void {
  try {
    child.kill(name);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
}

/** Kills a child, and returns when it has ended. */
export async function kill(
  child: Deno.ChildProcess,
): Promise<Deno.CommandStatus> {
  sendSignal(child, "SIGKILL");
  return await soon(child.status, "the end of a child that was killed");
}

/**
 * Kills a process, and the processes that it has started: `deno task` can pass
 * on no SIGKILL.
 */
export async function killTree(pid: number): Promise<void> {
  const children = await childrenOf(pid);
  try {
    Deno.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error; // it has ended
  }
  for (const child of children) await killTree(child);
}

async function childrenOf(pid: number): Promise<number[]> {
  const { stdout } = await new Deno.Command("ps", {
    args: ["-A", "-o", "pid=", "-o", "ppid="],
    stderr: "null",
  }).output();
  return new TextDecoder().decode(stdout).trim().split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([child, parent]) => parent === pid ? [child!] : []);
}

/** What a stream has brought so far. */
export class CollectedText {
  /** All of it so far. */
  text = "";
  /** Resolves at the stream's end. */
  readonly end: Promise<void>;
  #ended = false;
  #changed = Promise.withResolvers<void>();

  /** Reads to the end. */
  constructor(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.end = this.#read(stream);
  }

  async #read(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    try {
      for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
        this.text += chunk;
        this.#change();
      }
    } finally {
      this.#ended = true;
      this.#change();
    }
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  /** Waits until `matches` holds for the text. `false` where the stream ends before. */
  async until(
    what: string,
    matches: (text: string) => boolean,
  ): Promise<boolean> {
    while (!matches(this.text)) {
      if (this.#ended) return false;
      await soon(this.#changed.promise, what);
    }
    return true;
  }
}
