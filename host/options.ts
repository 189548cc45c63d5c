/**
 * How a host is launched, and what that means for its parts.
 *
 * @module
 */

import { permittedEnvironment } from "../ffi/environment.ts";
import { connectionSchema } from "../proto/schema/connection_schema.ts";
import { type EnvironmentSource, readVariable } from "../proto/environment.ts";
import { BridgeError } from "../proto/errors.ts";
import { DEFAULT_TIMEOUT_SECS, MAX_TIMEOUT_SECS } from "../proto/limits.ts";
import { names, serviceName } from "../proto/names.ts";
import type { PortMap } from "../proto/schema/port.ts";
import {
  CLIENT_RUNNER,
  GRPC_CLIENT,
  makeBroker,
  openGrpc,
} from "./assembly.ts";
import type { ProcessorMode } from "./bridge.ts";
import { type BrokerSearch, findBroker } from "./broker_finder.ts";
import { findConfig } from "./spawn/client_config.ts";
import { MAX_RESTARTS_IN_A_ROW, type RestartPolicy } from "./restart.ts";
import { type ClientPermissions, spawnClient } from "./spawn/spawn.ts";
import { toStderr, warnToStderr } from "./stderr.ts";
import type { Restart, SupervisorOptions } from "./supervisor.ts";

/** How a host is launched. */
export interface HostOptions<I extends PortMap, O extends PortMap> {
  /** The processor's module: its default export is what `reactive()`, `manual()` or `continuous()` of `@streamlib/bridge/client` returned. */
  readonly module: URL | string;
  /** What the client receives, by port. */
  readonly inputs?: I;
  /** What the client sends, by port. */
  readonly outputs?: O;
  /** What the client's process may do beyond the bridge itself; nothing if not said. */
  readonly permissions?: ClientPermissions;
  /** Variables for the client's process, which it may read. */
  readonly env?: Readonly<Record<string, string>>;
  /** A `deno.json` by which the module's imports are resolved. If not said: the nearest beside or above the module, where this process may read that. */
  readonly config?: string | URL;
  /** The Deno that runs the client; this process's own if not said. */
  readonly deno?: string;
  /** The service name of the broker to use, and no other. If not said: STREAMLIB_BROKER_XPC_SERVICE, else whoever serves the default name, else one embedded in this process. */
  readonly broker?: string;
  /** Whether a broker is made where none is found: in this process; on macOS by launchd, for this login, as docs/service.md has it. With false the host fails, and says how one is started. True if not said. */
  readonly embedBroker?: boolean;
  /** What carries the control calls: XPC, which host and client use anyway, or gRPC, which costs either some 100 ms and 40 MB and needs a broker that serves it. XPC if not said. */
  readonly control?: "xpc" | "grpc";
  /** The broker's gRPC address, `unix:/path` or a loopback `127.0.0.1:port`, for `control: "grpc"`. If not said: STREAMLIB_BROKER_ENDPOINT, else the default name's. */
  readonly brokerEndpoint?: string;
  /** Whether a client that failed is followed by a fresh one, under the same ports, after a pause that grows: never if not said. Gives up after 8 in a row. */
  readonly restart?: RestartPolicy;
  /** Hears of each restart, with the failure before it. */
  readonly onRestart?: (restart: Restart) => void;
  /** Who owns the processor; shown by the broker. */
  readonly runtimeId?: string;
  /** Which processor it is; shown by the broker. A random one if not said. */
  readonly processorId?: string;
  /** Seconds until a connection that is not ready has failed: 300 if not said. */
  readonly timeoutSecs?: number;
  /** Ends the host as {@link ProcessorHost.close} does. */
  readonly signal?: AbortSignal;
  /** Takes what the client writes on stdout and stderr; this process's stderr if not said. */
  readonly output?: (chunk: Uint8Array) => void;
  /** Takes warnings, such as frames that do not fit; this process's stderr if not said. */
  readonly warn?: (text: string) => void;
}

/** The parts' options. Throws `bad_argument` or `schema_mismatch` for what cannot be. */
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
      `Cannot launch with timeoutSecs ${timeoutSecs}: it is an integer from 1 to ${MAX_TIMEOUT_SECS}`,
    );
  }
  const env = permittedEnvironment();
  const { output = toStderr, warn = warnToStderr, onRestart } = options;
  const { control = "xpc", restart = "never" } = options;
  checkOneOf("control", control, ["xpc", "grpc"]);
  checkOneOf("restart", restart, ["never", "on-failure"]);
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
    runtimeId: options.runtimeId ?? readVariable(env, "STREAMLIB_RUNTIME_ID") ??
      `pid-${Deno.pid}`,
    processorId: options.processorId ?? crypto.randomUUID(),
    processorType,
    timeoutSecs,
    findBroker: (native, lost, signal) =>
      findBroker(native, choice, lost, signal),
    spawn: (bridgeEnv) =>
      spawnClient({
        module,
        runner: CLIENT_RUNNER,
        grpcClient: control === "grpc" ? GRPC_CLIENT : undefined,
        permissions: options.permissions ?? {},
        bridgeEnv,
        userEnv: options.env ?? {},
        deno: options.deno ?? Deno.execPath(),
        config: configPath(options.config) ?? findConfig(module),
        output,
      }),
    warn,
    restart,
    restarting: onRestart ?? ((restart) => warn(describeRestart(restart))),
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

/** The gRPC address that belongs to the service that is used. */
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
  }).grpcAddress;
}

function describeRestart({ failure, inARow, pauseMs }: Restart): string {
  return `${failure.message}\n` +
    `streamlib: a fresh client follows in ${pauseMs} ms (restart ${inARow} of ${MAX_RESTARTS_IN_A_ROW} in a row)`;
}

function configPath(config: string | URL | undefined): string | undefined {
  return config instanceof URL ? decodeURIComponent(config.pathname) : config;
}

function moduleUrl(module: URL | string): URL {
  if (module instanceof URL) return module;
  const url = URL.parse(module);
  if (url) return url;
  throw new BridgeError(
    "bad_argument",
    `Cannot launch ${JSON.stringify(module)}: a module is named by its URL, ` +
      "such as new URL('./blur.ts', import.meta.url)",
  );
}
