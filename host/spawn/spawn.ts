/**
 * Starts and ends the client's process: a Deno with its own permissions.
 *
 * @module
 */

import { dirname } from "node:path";
import { type Clock, pause, systemClock } from "../../ffi/clock.ts";
import { embeddedLibrary } from "../../ffi/library/library.ts";
import { BridgeError } from "../../proto/errors.ts";
import { filePath } from "../file_path.ts";

/**
 * Permissions of the client, beyond those that the bridge needs (ffi, and the
 * environment variables that name its connection). Default: none. `true` permits
 * everything of a kind; a list permits its entries, as Deno's flags do.
 *
 * These permissions guard against accidents and limit what a processor reaches
 * through Deno. They do not protect against hostile native code: a process with
 * ffi can do what its user can.
 */
export interface ClientPermissions {
  /** Files and folders to read. */
  readonly read?: true | readonly (string | URL)[];
  /** Files and folders to write. */
  readonly write?: true | readonly (string | URL)[];
  /** Addresses to connect to or listen on. */
  readonly net?: true | readonly string[];
  /** Environment variables to read and set. */
  readonly env?: true | readonly string[];
  /** Programs to run. */
  readonly run?: true | readonly (string | URL)[];
  /** Names of the system information to read. */
  readonly sys?: true | readonly string[];
  /** Hosts to import code from. */
  readonly import?: true | readonly string[];
}

/** The options of a client's process. */
export interface SpawnOptions {
  /** The processor's module. */
  readonly module: URL;
  /** The module that runs it: `client/runner.ts`. */
  readonly runner: URL;
  /** The module whose `GrpcClient` carries the control calls; `undefined` if XPC does. */
  readonly grpcClient: URL | undefined;
  readonly permissions: ClientPermissions;
  /** Environment variables of the bridge. The client may read them. */
  readonly bridgeEnv: Readonly<Record<string, string>>;
  /** Environment variables of the user. The client may read them too. */
  readonly userEnv: Readonly<Record<string, string>>;
  /** Path of the Deno executable. */
  readonly deno: string;
  /** Path of the `deno.json` that resolves the module's imports. */
  readonly config: string | undefined;
  /** Called with what the client writes to stdout and stderr. */
  output(chunk: Uint8Array): void;
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
}

/** Environment variables of this process that the client's Deno needs. */
const PASSED_ON = [
  "DENO_DIR",
  "HOME",
  "JSR_URL",
  "LANG",
  "LC_ALL",
  "NO_COLOR",
  "NPM_CONFIG_REGISTRY",
  "STREAMLIB_HOME",
  "STREAMLIB_LIBRARY",
  "TERM",
  "TMPDIR",
  "TZ",
  "XDG_CACHE_HOME",
  "XDG_RUNTIME_DIR",
] as const;

/** Names that change how a process is loaded or run. The user must not set them by accident. */
const FORBIDDEN = /^(LD_|DYLD_|DENO_|NODE_|STREAMLIB_|BASH_ENV$|ENV$|PATH$)/;
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** The environment variables that grpc-js reads when it is loaded. */
const GRPC_VARIABLES = ["GRPC_*", "NODE_*"] as const;

const STDERR_TAIL_BYTES = 8192;
/** How long the output of a client that has ended is still read. */
const DRAIN_MS = 200;

/** Starts the client. Throws `bad_argument` if a variable or permission is not valid, `client_failed` or `not_permitted` if Deno cannot be started, and what `embeddedLibrary` throws. */
export function spawnClient(options: SpawnOptions): ClientProcess {
  const args = clientArguments(options);
  const env = clientEnvironment(options);
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command(options.deno, {
      args,
      clearEnv: true,
      env,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (cause) {
    const denied = cause instanceof Deno.errors.NotCapable;
    throw new BridgeError(
      denied ? "not_permitted" : "client_failed",
      `Cannot start the client with ${options.deno}: ${
        (cause as Error).message
      }${denied ? "; the host needs --allow-run for this program" : ""}`,
      { cause },
    );
  }
  const tail = new Tail();
  return {
    pid: child.pid,
    get stderrTail(): string {
      return tail.text;
    },
    exit: watchExit(child, options.output, tail),
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

/** Whether there is a lock file beside a configuration. False if this process may not know. */
function hasLock(config: string | undefined): boolean {
  if (config === undefined) return false;
  try {
    return Deno.statSync(`${dirname(config)}/deno.lock`).isFile;
  } catch {
    return false;
  }
}

/** Returns the arguments of the client's Deno. */
export function clientArguments(options: SpawnOptions): string[] {
  const env = options.permissions.env === true ? true : [
    ...Object.keys(options.bridgeEnv),
    "STREAMLIB_LIBRARY",
    ...Object.keys(options.userEnv),
    ...(options.permissions.env ?? []),
  ];
  const grpc = options.grpcClient && grpcNeeds(options.bridgeEnv);
  return [
    "run",
    "--quiet",
    "--no-prompt",
    // With the lock file of its configuration, the client uses the versions of
    // the packages that its host has in Deno's cache; else the newest ones.
    ...(grpc && hasLock(options.config) ? ["--frozen=false"] : ["--no-lock"]),
    ...(options.config === undefined ? [] : ["--config", options.config]),
    "--allow-ffi",
    ...flag("env", grpc ? joined(env, grpc.env) : env),
    ...flag("read", joined(options.permissions.read, grpc?.paths)),
    ...flag("write", joined(options.permissions.write, grpc?.paths)),
    ...flag("net", joined(options.permissions.net, grpc?.net)),
    ...flag("run", options.permissions.run),
    ...flag("sys", options.permissions.sys),
    ...flag("import", options.permissions.import),
    `data:application/typescript,${encodeURIComponent(mainModule(options))}`,
  ];
}

/** Returns the client's main module. Its imports are literals, which need no permission to read; the user's module is evaluated when the runner imports it. */
function mainModule(
  { runner, module, grpcClient }: SpawnOptions,
): string {
  const literal = (url: URL): string => JSON.stringify(url.href);
  const openGrpc = grpcClient === undefined
    ? ""
    : `, openGrpc: async (address) => new (await import(${
      literal(grpcClient)
    })).GrpcClient(address)`;
  return `import { runClient } from ${literal(runner)};\n` +
    `await runClient(() => import(${literal(module)}), ` +
    `{ host: ${Deno.pid}${openGrpc} });\n`;
}

/** Returns the further permissions of a client that uses gRPC: they reach only the broker's address. */
function grpcNeeds(bridgeEnv: Readonly<Record<string, string>>): {
  readonly env: readonly string[];
  readonly paths: readonly string[];
  readonly net: readonly string[];
} {
  const address = bridgeEnv["STREAMLIB_BROKER_ENDPOINT"] ?? "";
  return {
    env: GRPC_VARIABLES,
    paths: address.startsWith("unix:") ? [address.slice("unix:".length)] : [],
    net: [address],
  };
}

/** Joins two lists of permissions. */
function joined<T>(
  given: true | readonly T[] | undefined,
  more: readonly T[] = [],
): true | readonly T[] {
  return given === true ? true : [...(given ?? []), ...more];
}

function flag(
  kind: string,
  value: true | readonly (string | URL)[] | undefined,
): string[] {
  if (value === undefined) return [];
  if (value === true) return [`--allow-${kind}`];
  if (value.length === 0) return [];
  const items = value.map((item) => {
    const text = item instanceof URL
      ? filePath(item, `permit '${kind}' for`)
      : item;
    if (text === "") {
      throw new BridgeError(
        "bad_argument",
        `Cannot permit '${kind}': an empty entry would permit everything`,
      );
    }
    return text.replaceAll(",", ",,"); // Deno's own escape
  });
  return [`--allow-${kind}=${items.join(",")}`];
}

function clientEnvironment(options: SpawnOptions): Record<string, string> {
  const env: Record<string, string> = {};
  for (const name of PASSED_ON) {
    const query = { name: "env", variable: name } as const;
    if (Deno.permissions.querySync(query).state !== "granted") continue;
    const value = Deno.env.get(name);
    if (value !== undefined) env[name] = value;
  }
  for (const [name, value] of Object.entries(options.userEnv)) {
    if (!NAME.test(name) || FORBIDDEN.test(name) || value.includes("\0")) {
      throw new BridgeError(
        "bad_argument",
        `Cannot give the client the variable ${JSON.stringify(name)}: names ` +
          "are letters, digits and '_', values have no NUL, and loaders' and " +
          "runtimes' own (LD_*, DYLD_*, DENO_*, NODE_*, STREAMLIB_*, PATH) are not passed",
      );
    }
    env[name] = value;
  }
  // The client may not read files, so it gets the path of the library that was found here.
  const library = embeddedLibrary();
  if (library !== undefined) env["STREAMLIB_LIBRARY"] = library;
  return { ...env, ...options.bridgeEnv };
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
  clock: Clock,
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
