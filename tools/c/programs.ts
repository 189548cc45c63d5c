/** Running programs to their end, each with a limit, and with nothing left of it. */

/** How a program is run, besides what `Deno.Command` takes. */
export interface ProgramLimits
  extends Omit<Deno.CommandOptions, "stdin" | "stdout" | "stderr"> {
  /** Milliseconds after which it is killed. */
  readonly limitMs: number;
  /** Kills it before. */
  readonly stop?: AbortSignal;
}

/** How a program has ended. */
export interface Ended {
  readonly code: number;
  readonly signal: Deno.Signal | null;
  readonly stdout: string;
  readonly stderr: string;
  /** It was killed because it did not end within its limit. */
  readonly late: boolean;
  /** It ended and left processes behind, which were killed. */
  readonly left: boolean;
}

/** How long what a program leaves behind has to end by itself. */
const LEAVING_MS = 30_000;

/** Kills a session's processes, those that are left of it. */
function killSession(pid: number): void {
  try {
    Deno.kill(-pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error; // none is left
  }
}

/** What a stream has brought so far. */
class Collected {
  #text = "";
  /** Resolves at the stream's end. */
  readonly end: Promise<void>;

  constructor(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.end = this.#read(stream);
  }

  async #read(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
      this.#text += chunk;
    }
  }

  get text(): string {
    return this.#text;
  }
}

/** Whether `promise` resolves within `ms`. */
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

/**
 * Runs a program in a session of its own, and returns when it has ended and all
 * that it wrote was read. Whatever of its session still runs then is killed.
 * Needs `--allow-run`.
 */
export async function runToEnd(
  program: string,
  { limitMs, stop, ...options }: ProgramLimits,
): Promise<Ended> {
  const child = new Deno.Command(program, {
    ...options,
    detached: true,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const kill = (): void => killSession(child.pid);
  if (stop?.aborted) kill();
  stop?.addEventListener("abort", kill);
  const [stdout, stderr] = [child.stdout, child.stderr]
    .map((stream) => new Collected(stream)) as [Collected, Collected];
  try {
    const late = !await resolves(child.status, limitMs);
    if (late) kill();
    const { code, signal } = await child.status;
    const read = Promise.all([stdout.end, stderr.end]);
    // Who still runs holds its streams; else they have ended with it.
    const left = !await resolves(read, LEAVING_MS);
    if (left) {
      kill();
      await resolves(read, LEAVING_MS);
    }
    return {
      ...{ code, signal, late, left: left && !late },
      ...{ stdout: stdout.text, stderr: stderr.text },
    };
  } finally {
    stop?.removeEventListener("abort", kill);
    kill();
  }
}

/** The last line of each stream of a program, to show where it ended. */
export function lastWords({ stdout, stderr }: Ended): string {
  return [stdout, stderr].map((text) => text.trimEnd().split("\n").at(-1)!)
    .filter((line) => line !== "").join("; ") || "none";
}

/** How a program has ended that should have ended with 0, in words. */
export function describeEnd(
  { code, signal, late, left }: Ended,
  limitMs: number,
): string {
  if (late) return `it did not end within ${limitMs / 1000} s, and was killed`;
  const how = signal ? `by ${signal}` : `with ${code}`;
  const behind = left ? ", and left processes behind, which were killed" : "";
  return `it ended ${how}${behind}`;
}

/**
 * Aborted when this program ends, or is to end: its programs are in sessions of
 * their own, which Ctrl-C does not reach.
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
