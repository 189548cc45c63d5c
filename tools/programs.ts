/** Runs programs. Each has a time limit, and is killed when it is late. */

/** How a program is run, besides what `Deno.Command` takes. */
export interface RunToEndOptions
  extends
    Omit<Deno.CommandOptions, "stdin" | "stdout" | "stderr" | "detached"> {
  /** The time after which it is killed, in milliseconds. */
  readonly limitMs: number;
  /** Kills it earlier. */
  readonly stop?: AbortSignal;
  /** Its standard input; empty by default. */
  readonly input?: string;
  /**
   * Whether it runs in the session of this program. Then Ctrl-C reaches it, and
   * processes that it leaves behind go on. By default it gets a session of its
   * own, which is killed when the program has ended.
   */
  readonly sharesSession?: boolean;
}

/** How a program has ended. */
export interface Ended {
  /** The exit code; 128 + signal number if a signal ended it. */
  readonly code: number;
  readonly signal: Deno.Signal | null;
  readonly stdout: string;
  readonly stderr: string;
  /** It was killed because it did not end within its limit. */
  readonly late: boolean;
  /** It ended, and processes that it left behind kept its output open. */
  readonly left: boolean;
}

/** How long processes that a program leaves behind may keep its output open. */
const LEAVING_MS = 60_000;

/** The text that a stream has brought so far. */
export class CollectedText {
  /** All of it so far. */
  text = "";
  /** Resolves at the end of the stream. */
  readonly end: Promise<void>;
  #isEnded = false;
  #changed = Promise.withResolvers<void>();

  /** Reads the stream to its end. */
  constructor(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.end = this.#read(stream);
  }

  /** Whether the stream has ended. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Resolves at the next piece of text, or at the end. */
  get changed(): Promise<void> {
    return this.#changed.promise;
  }

  async #read(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    try {
      for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
        this.text += chunk;
        this.#change();
      }
    } finally {
      this.#isEnded = true;
      this.#change();
    }
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

/**
 * Runs a program, and returns when it has ended and all its output was read.
 * Throws `Deno.errors.NotFound` if there is no such program. Needs
 * `--allow-run`.
 */
export async function runToEnd(
  program: string,
  { limitMs, stop, input, sharesSession = false, ...options }: RunToEndOptions,
): Promise<Ended> {
  const child = new Deno.Command(program, {
    ...options,
    detached: !sharesSession,
    stdin: input === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const kill = async (): Promise<void> => {
    if (sharesSession) await killTree(child.pid);
    else sendKill(-child.pid);
  };
  const onStop = (): void => void kill();
  if (stop?.aborted) await kill();
  stop?.addEventListener("abort", onStop);
  const stdout = new CollectedText(child.stdout);
  const stderr = new CollectedText(child.stderr);
  const written = input === undefined
    ? Promise.resolve()
    : write(child.stdin, input);
  written.catch(() => {}); // thrown below
  try {
    const late = !await resolves(child.status, limitMs);
    if (late) await kill();
    const { code, signal } = await child.status;
    if (!await resolves(written, LEAVING_MS)) await kill();
    const read = Promise.all([stdout.end, stderr.end]);
    const left = !await resolves(read, LEAVING_MS);
    if (left && !sharesSession) {
      await kill();
      await resolves(read, LEAVING_MS);
    }
    return {
      ...{ code, signal, late, left: left && !late },
      ...{ stdout: stdout.text, stderr: stderr.text },
    };
  } finally {
    stop?.removeEventListener("abort", onStop);
    if (!sharesSession) await kill();
  }
}

async function write(
  stdin: WritableStream<Uint8Array<ArrayBuffer>>,
  text: string,
): Promise<void> {
  const writer = stdin.getWriter();
  try {
    await writer.write(new TextEncoder().encode(text));
    await writer.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error; // it has ended
  }
}

/** Whether `promise` resolves within `ms` milliseconds. */
async function resolves(
  promise: Promise<unknown>,
  ms: number,
): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => late.resolve(false), ms);
  try {
    return await Promise.race([promise.then(() => true), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Sends SIGKILL to a process, or to a group of processes (a negative number), unless it has ended. */
function sendKill(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch (error) {
    const expected = error instanceof Deno.errors.NotFound ||
      // A set-user-id program; on macOS also a group of zombies.
      error instanceof Deno.errors.PermissionDenied;
    if (!expected) throw error;
  }
}

/**
 * Kills a process and its descendants. `deno task`, for example, cannot pass a
 * SIGKILL on to the program that it runs.
 */
export async function killTree(pid: number): Promise<void> {
  const children = await childrenOf(pid);
  sendKill(pid);
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

/** The last line of each stream of a program. */
export function lastWords({ stdout, stderr }: Ended): string {
  return [stdout, stderr].map((text) => text.trimEnd().split("\n").at(-1)!)
    .filter((line) => line !== "").join("; ") || "none";
}

/** Says how a program has ended that should have ended with code 0. */
export function describeEnd(
  { code, signal, late, left }: Ended,
  limitMs: number,
): string {
  if (late) return `it did not end within ${limitMs / 1000} s, and was killed`;
  const how = signal ? `by ${signal}` : `with ${code}`;
  return `it ended ${how}${left ? ", and left processes behind" : ""}`;
}

/**
 * A signal that is aborted when this program ends or is told to end. Programs
 * in sessions of their own need it: Ctrl-C does not reach them.
 */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, abort);
  }
  addEventListener("unload", abort);
  return controller.signal;
}
