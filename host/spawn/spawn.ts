/**
 * Starts and ends the client's process, whatever kind of client it is.
 *
 * @module
 */

import type { Bootstrap } from "../../ffi/bootstrap.ts";
import { pause, systemClock, type TimerClock } from "../../ffi/clock.ts";
import { Native } from "../../ffi/native.ts";
import { inheritedChannel } from "../../ffi/own_names.ts";
import { BridgeError } from "../../proto/errors.ts";
import { takeEnvironment } from "./client_environment.ts";
import type { ClientKind, SpawnOptions } from "./client_kind.ts";
import { confinedDeno } from "./confined_deno.ts";
import { checkLimit } from "./confinement.ts";
import { denoClient } from "./deno_client.ts";
import { isPythonModule } from "./python/find_python.ts";
import { pythonClient } from "./python_client.ts";

/**
 * Starts a client. `bridgeEnv` are the variables that name its connection; it may
 * read them. `bootstrap` has the broker's name; without it the client is in the
 * bootstrap that this process is in, if any.
 */
export interface StartClient {
  (
    bridgeEnv: Readonly<Record<string, string>>,
    bootstrap?: Bootstrap,
  ): ClientProcess;
  /** Finds or makes what the client needs; called before each one, if it is there. See {@link ClientKind.prepare}. */
  readonly prepare?: ClientKind["prepare"];
}

/** How a client ended. */
export interface ClientExit {
  /** The exit code; 128 + the signal's number if a signal killed it. */
  readonly code: number;
  /** The signal that killed it; `null` if none did. */
  readonly signal: Deno.Signal | null;
  /** The end of what it wrote to stderr. */
  readonly stderrTail: string;
}

/** The client's process. */
export interface ClientProcess {
  readonly pid: number;
  /** The end of what it has written to stderr so far. */
  readonly stderrTail: string;
  /** Resolves when the process has ended and its output was read. */
  readonly exit: Promise<ClientExit>;
  /** Sends a signal. Has no effect after the process has ended. */
  kill(signal: Deno.Signal): void;
  /** What is to be said with an error of this client; see {@link ClientKind.explain}. */
  explain?(text: string): string;
}

const STDERR_TAIL_BYTES = 8192;
/** How long the output of a client that has ended is still read. */
const DRAIN_MS = 200;

/**
 * Returns the function that starts the clients of one host, the first and those
 * after a failure. What they need of this process is taken now: the environment,
 * the working directory, and the meaning of relative paths.
 *
 * Throws `bad_argument` if an option is not valid, or if this process is itself
 * started as a client and does not run as one: then the option `deno` of its host
 * names this program; and `not_permitted` if permissions cannot be enforced. The
 * function throws `client_failed` or `not_permitted` if the client cannot be started.
 */
export function clientStarter(options: SpawnOptions): StartClient {
  refuseToBeDeno();
  checkLimit(options);
  const folder = workingDirectory();
  const isPython = isPythonModule(options.module);
  const env = takeEnvironment(options.userEnv, isPython ? "python" : "deno");
  const place = {
    folder,
    variable: (name: string) => env[name],
  };
  const kind = isPython
    ? pythonClient(options, place)
    : options.confine
    ? confinedDeno(options, place)
    : denoClient(options, place);
  const start: StartClient = (bridgeEnv, bootstrap) => {
    const { program, args, env: own, held } = kind.command(
      bridgeEnv,
      bootstrap,
    );
    using started = new DisposableStack();
    if (held !== undefined) started.use(held);
    const client = spawnClient({
      kind,
      program,
      args: [...args],
      env: { ...env, ...own, ...bridgeEnv },
      folder: folder !== undefined && !isFolder(folder) ? "/" : folder,
      bootstrap,
      output: options.output,
    });
    const whole = started.move();
    const release = (): void => whole.dispose();
    client.exit.then(release, release);
    return client;
  };
  const { prepare } = kind;
  return prepare === undefined ? start : Object.assign(start, { prepare });
}

/** A client that launches a host has removed the token from its environment. A host that is run in place of Deno has not. */
function refuseToBeDeno(): void {
  using native = Native.open();
  if (native.symbols.slb_process_is_client() === 0) return;
  throw new BridgeError(
    "bad_argument",
    "Cannot launch a client: this program is itself run as the client of a host, " +
      "so that host's option `deno` or `python` names this program, or a script that starts it; " +
      "set that option to the path of a Deno executable, or of a Python interpreter",
  );
}

/** Returns the working directory: "/" if it was removed, `undefined` if this process may not read it. */
function workingDirectory(): string | undefined {
  try {
    return Deno.cwd();
  } catch (error) {
    return error instanceof Deno.errors.NotCapable ? undefined : "/";
  }
}

/** A program does not start in a directory that was removed. */
function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch (error) {
    return !(error instanceof Deno.errors.NotFound);
  }
}

/** A client's process to be. */
interface Start {
  readonly kind: ClientKind;
  readonly program: string;
  readonly args: string[];
  readonly env: Record<string, string>;
  /** The working directory; `undefined` for this process's. */
  readonly folder: string | undefined;
  readonly bootstrap: Bootstrap | undefined;
  output(chunk: Uint8Array): void;
}

function spawnClient(start: Start): ClientProcess {
  const { kind, program, args, env, folder, bootstrap } = start;
  const spawn = (channel: Readonly<Record<string, string>>) =>
    new Deno.Command(program, {
      args,
      clearEnv: true,
      env: { ...env, ...channel },
      ...(folder !== undefined && { cwd: folder }),
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  let child: ReturnType<typeof spawn>;
  try {
    child = bootstrap ? bootstrap.offer(spawn) : spawn(ownChannel());
  } catch (cause) {
    if (cause instanceof BridgeError) throw cause;
    throw new BridgeError(
      cause instanceof Deno.errors.NotCapable
        ? "not_permitted"
        : "client_failed",
      `Cannot start the client with ${program}: ${(cause as Error).message}${
        kind.adviceFor(program, cause)
      }`,
      { cause },
    );
  }
  const tail = new Tail();
  return {
    pid: child.pid,
    get stderrTail(): string {
      return tail.text;
    },
    exit: watchExit(child, start.output, tail),
    explain: (text) => kind.explain(text),
    kill: (signal) => {
      try {
        child.kill(signal);
      } catch (error) {
        // Thrown if the process has ended already.
        if (!(error instanceof TypeError)) throw error;
      }
    },
  };
}

function ownChannel(): Readonly<Record<string, string>> {
  using native = Native.open();
  return inheritedChannel(native);
}

/** Keeps the end of what was written. */
class Tail {
  #bytes = new Uint8Array(0);

  get text(): string {
    return new TextDecoder().decode(this.#bytes).trim();
  }

  add(chunk: Uint8Array): void {
    const joined = new Uint8Array(this.#bytes.length + chunk.length);
    joined.set(this.#bytes);
    joined.set(chunk, this.#bytes.length);
    this.#bytes = joined.slice(-STDERR_TAIL_BYTES);
  }
}

async function watchExit(
  child: Deno.ChildProcess,
  output: (chunk: Uint8Array) => void,
  tail: Tail,
): Promise<ClientExit> {
  const [stdout, stderr] = [child.stdout.getReader(), child.stderr.getReader()];
  const read = Promise.all([
    pump(stdout, output),
    pump(stderr, (chunk) => {
      tail.add(chunk);
      output(chunk);
    }),
  ]);
  const { code, signal } = await child.status;
  // The client's output is in the pipes now. A process that the client started may hold them open for long.
  const drained = new AbortController();
  read.finally(() => drained.abort());
  await pause(systemClock, DRAIN_MS, drained.signal);
  await Promise.all([stdout.cancel(), stderr.cancel(), read]);
  return { code, signal, stderrTail: tail.text };
}

async function pump(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  take: (chunk: Uint8Array) => void,
): Promise<void> {
  for (let next; !(next = await reader.read()).done;) {
    try {
      take(next.value);
    } catch (error) {
      reportError(error); // an error of the user's callback must not stop the reading
    }
  }
}

/** Describes how a client ended, and its phase unless `howFar` is "". */
export function describeExit(exit: ClientExit, howFar: string): string {
  const how = exit.signal
    ? `was killed by ${exit.signal}`
    : `exited with code ${exit.code}`;
  const far = howFar === "" ? "" : ` (${howFar})`;
  return `the client ${how}${far}${describeTail(exit.stderrTail)}`;
}

/** Describes the end of a client's stderr; "" if the client wrote nothing. */
export function describeTail(stderrTail: string): string {
  return stderrTail === ""
    ? ""
    : `; the end of the client's stderr:\n${stderrTail}`;
}

/** The time between SIGTERM and SIGKILL. */
const KILL_MS = 1_000;

/** Waits up to `graceMs` for the client to end by itself, then kills it. Returns when it has ended. */
export async function endClient(
  clock: TimerClock,
  client: ClientProcess,
  graceMs: number,
): Promise<void> {
  const gone = client.exit.then(() => true);
  const within = async (ms: number): Promise<boolean> => {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = clock.after(ms, () => resolve(false));
    const result = await Promise.race([gone, promise]);
    timer.cancel();
    return result;
  };
  if (graceMs > 0 && await within(graceMs)) return;
  client.kill("SIGTERM");
  if (await within(KILL_MS)) return;
  client.kill("SIGKILL");
  await gone;
}
