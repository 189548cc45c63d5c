/**
 * The options of a host, and the options of its parts that follow from them.
 *
 * @module
 */

import { permittedEnvironment } from "../ffi/environment.ts";
import { reportUncaught } from "../ffi/uncaught.ts";
import { userRuntimeOfShim } from "../ffi/user_runtime.ts";
import { connectionSchema } from "../proto/schema/connection_schema.ts";
import { type EnvironmentSource, readVariable } from "../proto/environment.ts";
import { BridgeError } from "../proto/errors.ts";
import { DEFAULT_TIMEOUT_SECS, MAX_TIMEOUT_SECS } from "../proto/limits.ts";
import { names, serviceName } from "../proto/names.ts";
import type { TransportPath } from "../channel/transport.ts";
import type { PortMap } from "../proto/schema/port.ts";
import type { SettingValue } from "../proto/schema/settings.ts";
import type { ProcessorMode } from "../proto/schema/processor_types.ts";
import {
  CLIENT_RUNNER,
  GRPC_CLIENT,
  makeBroker,
  openGrpc,
} from "./assembly.ts";
import { type BrokerSearch, findBroker } from "./broker_finder.ts";
import { clientName } from "./client_name.ts";
import { crashReports } from "./crash/crash_reports.ts";
import {
  MAX_RESTARTS_IN_A_ROW,
  type ResendPolicy,
  type RestartPolicy,
} from "./restart.ts";
import type { ClientPermissions } from "./spawn/client_arguments.ts";
import { isPythonModule } from "./spawn/python/find_python.ts";
import { clientStarter } from "./spawn/spawn.ts";
import { toStderr, warnToStderrAs } from "./stderr.ts";
import { FileWatch, type WatchEvents } from "./watch/file_watch.ts";
import { moduleFiles } from "./watch/module_files.ts";
import { pythonFiles } from "./watch/python_files.ts";
import type { Restart, SupervisorOptions } from "./supervisor.ts";

const MIN_HANG_SECS = 0.1;
const MAX_HANG_SECS = 3600;

/** The options of a host. */
export interface HostOptions<I extends PortMap, O extends PortMap> {
  /** URL of the processor's module. Its default export must be the result of `reactive()`, `manual()` or `continuous()` of `@streamlib/bridge/client`. A local file whose name ends with `.py` is run by Python. */
  readonly module: URL | string;
  /** The schema of each port on which the client receives frames. */
  readonly inputs?: I;
  /** The schema of each port on which the client sends frames. */
  readonly outputs?: O;
  /** The values of the processor's settings from the start; those that are not given, or are `undefined`, have their defaults. Later: {@link ProcessorHost.settings}. */
  readonly settings?: { readonly [name: string]: SettingValue };
  /** Permissions of the client's process, beyond those that the bridge needs. Default: none. A client in Python that is given none has all rights of this user; with any, `{}` too, they are enforced by the system, or the launch fails with `not_permitted`. */
  readonly permissions?: ClientPermissions;
  /**
   * Whether the kernel confines the client to its permissions, in all of its threads,
   * native code and children: see docs/confinement.md. On Linux; elsewhere the launch
   * fails with `not_permitted`. A client in Python with permissions always is confined.
   * Default: false.
   */
  readonly confine?: boolean;
  /** The most private memory of a confined client, in bytes. Shared memory and mapped files do not count. An allocation beyond it fails in the client. Default: no limit. */
  readonly memoryLimit?: number;
  /** Environment variables that are set in the client's process; it may read them. It also gets PATH and some others of this process; see the host guide. */
  readonly env?: Readonly<Record<string, string>>;
  /** Path or URL of the `deno.json` that resolves the imports of a module that Deno runs. Default: the nearest `deno.json` or `package.json` in the module's folder or a folder above. */
  readonly config?: string | URL;
  /** The Deno executable that runs the client: a path, or a name that is searched for in PATH. A wrapper must run Deno with the arguments it gets, and pass its stdout and stderr on. Default: the executable of this process; a program made by `deno compile` must set it. */
  readonly deno?: string;
  /**
   * The Python that runs a module whose file name ends with `.py`: the path of an
   * interpreter, or a name that is searched for in PATH; or "uv", which installs what
   * the module's own metadata (PEP 723) names, and may download it. Default: the
   * `.venv/bin/python` in the module's folder or a folder above, else `python3`.
   * See the host guide.
   */
  readonly python?: string;
  /** Whether a debugger can connect to the client, such as Chrome's (`chrome://inspect`) or an editor's: `true` for a port that is free, or an address of this machine such as "127.0.0.1:9229". The client's output says where. Every user of this machine can connect there and run code as this user. Default: false. */
  readonly inspect?: boolean | string;
  /** Service name of the broker; the host uses no other. Default: STREAMLIB_BROKER_XPC_SERVICE; if that is not set, the broker that serves the default name; if there is none, see {@link embedBroker}. */
  readonly broker?: string;
  /** Whether the host starts a broker if it finds none: in this process, or on macOS by launchd for this login (see docs/service.md). If false, the host fails with an error that says how to start a broker. Default: true. */
  readonly embedBroker?: boolean;
  /** The carrier of the control calls. gRPC costs host and client about 100 ms and 40 MB each, and needs a broker that serves it. Default: "xpc". */
  readonly control?: "xpc" | "grpc";
  /** The broker's gRPC address for `control: "grpc"`: `unix:/path` or a loopback address such as `127.0.0.1:port`. Default: STREAMLIB_BROKER_ENDPOINT; if that is not set, the address that belongs to the broker's service name. */
  readonly brokerEndpoint?: string;
  /** What carries frames: records in shared memory, or a message for each frame, which is slower. A client of a version without lanes gets messages. Default: "lane". */
  readonly path?: TransportPath;
  /** How both sides wait for the next record of the other: awake for at most 100 us, as long as they come that fast and on another core; or always asleep, which saves processor time and costs latency. Default: "awake". */
  readonly waiting?: "awake" | "asleep";
  /** Whether a new client is started after a failure. The ports stay; the pause before each restart doubles, from 100 ms to 5 s; the host gives up after 8 restarts in a row. Default: "never". */
  readonly restart?: RestartPolicy;
  /**
   * Whether the client is started again when a local file of its module changes: the
   * module, what it imports at any depth, or the given {@link config}. If a client
   * fails and {@link restart} starts no other, the host does not end: it waits for a
   * change. `warn` is told of both. Meant for development. Default: false.
   */
  readonly watch?: boolean;
  /** Called before each restart, with the failure that caused it. Default: `warn` gets a description. */
  readonly onRestart?: (restart: Restart) => void;
  /**
   * Whether the failure of a client has the frames that the client was sent and had
   * not released: {@link HostFailure.frames}. It costs a copy of each frame's values;
   * textures and buffers are not copied. {@link crashDirectory} and {@link resend}
   * include it. Default: false.
   */
  readonly keepFrames?: boolean;
  /**
   * Which of these frames the next client is sent again, before any other frame:
   * none, so that they are lost; all; or all but the one that the client had read
   * last, which may have killed it. Only on ports in order: on one that skips to the
   * latest, the next frame is newer. Needs `restart: "on-failure"`. Default: "none".
   */
  readonly resend?: ResendPolicy;
  /**
   * Path or URL of a directory for the frame that a client had read last when it
   * failed, if it had not released it: its values as JSON, and each of its textures
   * as a PNG picture. It is made if it does not exist. At most 100 frames are written
   * for a host, readable by this user alone. Default: none is written.
   */
  readonly crashDirectory?: string | URL;
  /** Id of the runtime that owns the processor; the broker shows it. Default: STREAMLIB_RUNTIME_ID; if that is not set, `pid-` and this process's id. */
  readonly runtimeId?: string;
  /** Id of the processor; the broker shows it, and lines on stderr begin with it. Default: a random UUID, and in lines the file name of the module. */
  readonly processorId?: string;
  /** Seconds after which a connection that is not ready fails. Default: 300. */
  readonly timeoutSecs?: number;
  /**
   * Ends a client that hangs: it is busy (a function of the processor runs, or
   * frames, changes of settings or calls wait), and for this many seconds it has
   * sent nothing and its event loop has not answered. The failure has the code
   * `client_hung` and names that function and the last frame that the client has
   * read; {@link restart} decides what follows. The time must be
   * longer than the longest time in which the processor does not return to the
   * event loop. A client that is stopped by a signal, or held by a debugger, does
   * not hang. From 0.1 to 3600. Default: no client is ended.
   */
  readonly hangTimeoutSecs?: number;
  /** Closes the host when it aborts, as {@link ProcessorHost.close} does. */
  readonly signal?: AbortSignal;
  /** Called with what the client writes to stdout and stderr. Default: writes it to this process's stderr. */
  readonly output?: (chunk: Uint8Array) => void;
  /** Called with warnings, for instance about a frame that does not match its schema. Default: writes them to this process's stderr, with the {@link processorId} or the module's file name before each line. */
  readonly warn?: (text: string) => void;
}

/** Returns the options of the host's parts. Throws `bad_argument` or `schema_mismatch` if an option is not valid. */
export function supervisorOptions<I extends PortMap, O extends PortMap>(
  options: HostOptions<I, O>,
  processorType: ProcessorMode,
): SupervisorOptions<I, O> {
  const module = moduleUrl(options.module);
  const { timeoutSecs = DEFAULT_TIMEOUT_SECS } = options;
  if (
    !Number.isInteger(timeoutSecs) || timeoutSecs < 1 ||
    timeoutSecs > MAX_TIMEOUT_SECS
  ) {
    throw new BridgeError(
      "bad_argument",
      `Cannot launch with timeoutSecs ${timeoutSecs}: it must be an integer from 1 to ${MAX_TIMEOUT_SECS}, in seconds`,
    );
  }
  const { hangTimeoutSecs } = options;
  if (
    hangTimeoutSecs !== undefined &&
    !(hangTimeoutSecs >= MIN_HANG_SECS && hangTimeoutSecs <= MAX_HANG_SECS)
  ) {
    throw new BridgeError(
      "bad_argument",
      `Cannot launch with hangTimeoutSecs ${hangTimeoutSecs}: it must be a number from ${MIN_HANG_SECS} to ${MAX_HANG_SECS}, in seconds`,
    );
  }
  const env = permittedEnvironment();
  const { output = toStderr, onRestart } = options;
  const name = clientName(options.processorId, module);
  const warn = guarded(options.warn ?? warnToStderrAs(name));
  const { control = "xpc", path = "lane", restart = "never" } = options;
  const { waiting = "awake" } = options;
  checkOneOf("control", control, ["xpc", "grpc"]);
  checkOneOf("path", path, ["lane", "dictionary"]);
  checkOneOf("waiting", waiting, ["awake", "asleep"]);
  checkOneOf("restart", restart, ["never", "on-failure"]);
  const { resend = "none", crashDirectory } = options;
  checkOneOf("resend", resend, ["none", "all", "all-but-last-read"]);
  if (resend !== "none" && restart === "never") {
    throw new BridgeError(
      "bad_argument",
      `Cannot launch with resend ${
        JSON.stringify(resend)
      } and restart "never": no other client is started that could get the frames; set restart: "on-failure"`,
    );
  }
  const choice: BrokerSearch = {
    given: options.broker ?? readVariable(env, "STREAMLIB_BROKER_XPC_SERVICE"),
    fallback: serviceName(env),
    embed: options.embedBroker === false ? undefined : makeBroker,
    ...(control === "grpc" && {
      grpc: { address: brokerEndpoint(options, env), open: openGrpc },
    }),
  };
  return {
    schema: connectionSchema({
      ...(options.inputs && { inputs: options.inputs }),
      ...(options.outputs && { outputs: options.outputs }),
    }) as SupervisorOptions<I, O>["schema"],
    settings: options.settings === undefined ? {} : options.settings,
    runtimeId: options.runtimeId ?? readVariable(env, "STREAMLIB_RUNTIME_ID") ??
      `pid-${Deno.pid}`,
    processorId: options.processorId ?? crypto.randomUUID(),
    processorType,
    name,
    path,
    sleeps: waiting === "asleep",
    timeoutSecs,
    // A processor that stands at a breakpoint does not hang.
    hangTimeoutSecs: options.inspect ? undefined : hangTimeoutSecs,
    findBroker: (native, lost, signal) =>
      findBroker(native, choice, lost, signal),
    spawn: clientStarter({
      module,
      name,
      runner: CLIENT_RUNNER,
      grpcClient: control === "grpc" ? GRPC_CLIENT : undefined,
      permissions: options.permissions,
      confine: options.confine,
      memoryLimit: options.memoryLimit,
      userEnv: options.env ?? {},
      deno: options.deno,
      config: options.config,
      python: options.python,
      inspect: options.inspect,
      output,
    }),
    warn,
    restart,
    resend,
    keepsFrames: options.keepFrames === true || resend !== "none" ||
      crashDirectory !== undefined,
    report: crashDirectory === undefined
      ? undefined
      : crashReports(crashDirectory, module, warn),
    watch: options.watch === true ? watchOf(module, options) : undefined,
    restarting: onRestart
      ? guarded(onRestart)
      : (restart) => warn(describeRestart(restart)),
  };
}

/** Returns what watches the files of the client's module. */
function watchOf(
  module: URL,
  { deno, config }: Pick<HostOptions<PortMap, PortMap>, "deno" | "config">,
): (events: WatchEvents) => AsyncDisposable {
  const find = isPythonModule(module)
    ? pythonFiles(module)
    : moduleFiles({ module, deno, config });
  return (events) => new FileWatch(find, events);
}

/** The same function, for callers that must go on if it throws: then the error is uncaught. */
function guarded<T>(callback: (value: T) => void): (value: T) => void {
  return (value) => {
    try {
      callback(value);
    } catch (error) {
      reportUncaught(error);
    }
  };
}

function checkOneOf(
  name: string,
  value: string,
  allowed: readonly string[],
): void {
  if (allowed.includes(value)) return;
  throw new BridgeError(
    "bad_argument",
    `Cannot launch with ${name} ${JSON.stringify(value)}: it is ${
      allowed.map((one) => `"${one}"`).join(" or ")
    }`,
  );
}

/** Returns the gRPC address that belongs to the broker's service name. */
function brokerEndpoint(
  { broker, brokerEndpoint }: Pick<
    HostOptions<PortMap, PortMap>,
    "broker" | "brokerEndpoint"
  >,
  env: EnvironmentSource,
): string {
  if (brokerEndpoint !== undefined) return brokerEndpoint;
  return names({
    get: (name) =>
      name === "STREAMLIB_BROKER_XPC_SERVICE"
        ? broker ?? env.get(name)
        : env.get(name),
  }, { userRuntime: userRuntimeOfShim }).grpcAddress;
}

function describeRestart({ failure, inARow, pauseMs }: Restart): string {
  return `${failure.message}\n` +
    `starting a new client in ${pauseMs} ms (restart ${inARow} of ${MAX_RESTARTS_IN_A_ROW} in a row)`;
}

function moduleUrl(module: URL | string): URL {
  if (module instanceof URL) return module;
  const url = URL.parse(module);
  if (url) return url;
  throw new BridgeError(
    "bad_argument",
    `Cannot launch ${JSON.stringify(module)}: the module must be a URL, ` +
      "such as new URL('./blur.ts', import.meta.url)",
  );
}
