/**
 * A host, in this process or in one of its own (as a main module), whose
 * messages are hooked.
 */

import type { TimerClock } from "../../ffi/clock.ts";
import { Native } from "../../ffi/native.ts";
import { findBroker } from "../../host/broker_finder.ts";
import { GRPC_CLIENT, makeBroker, openGrpc } from "../../host/assembly.ts";
import { type ClientProcess, clientStarter } from "../../host/spawn/spawn.ts";
import { Supervisor } from "../../host/supervisor.ts";
import { connectionSchema } from "../../proto/schema/connection_schema.ts";
import { DEFAULT_TIMEOUT_SECS } from "../../proto/limits.ts";
import { getString, type XpcDictionary } from "../../proto/wire/xpc_value.ts";
import { EVERY_FRAME } from "../fixtures/ports.ts";
import { TEST_PATH } from "../helpers/lane/lane_handshake.ts";
import { hookedShim } from "./hooked_shim.ts";
import { LimitClock } from "../helpers/limit_clock.ts";
import { carryOut, type Hooks, ownPlan, PLAN, type Plan } from "./moments.ts";
import { WORDS } from "./client.ts";

const schema = connectionSchema({
  inputs: { video: EVERY_FRAME },
  outputs: { video: EVERY_FRAME },
});

/** A host with one video port in and one out. */
export type FaultyHost = Supervisor<
  { video: typeof EVERY_FRAME },
  { video: typeof EVERY_FRAME }
>;

/** How a host is started. */
export interface FaultyHostOptions {
  /** The broker's service name. */
  readonly service: string;
  readonly hooks: Hooks;
  readonly clock: TimerClock;
  /** Returns the client's plan when the client is started. Default: no plan. */
  clientPlan?(): Plan;
  /** A directory that the client may use, for its marks. */
  readonly directory: string;
  /** The file for the client's stderr. */
  readonly words: string;
  /** The gRPC address for the control calls. Default: XPC carries them. */
  readonly grpc?: string;
  /** The processor's module, beside this one. Default: one that inverts frames. */
  readonly module?: string;
  /** The module of the client's gRPC, if it is not the real one. */
  readonly grpcClient?: URL;
  /** Whether the client is started as soon as its id is known, before anything else is done. */
  readonly early?: boolean;
  /** Called with the client's process when it is started. */
  spawned(client: ClientProcess): void;
}

/** Starts a host that uses the broker of one service, and no other. */
export function startHost(options: FaultyHostOptions): FaultyHost {
  const { service, hooks, clock, early = false, grpc } = options;
  let ahead: ClientProcess | undefined;
  const received = (reply: XpcDictionary): void => {
    const token = getString(reply, "client_token");
    if (!early || token === undefined || ahead) return;
    ahead = startClient(options, {
      STREAMLIB_CONNECTION_ID: getString(reply, "connection_id")!,
      STREAMLIB_CONNECTION_TOKEN: token,
      STREAMLIB_BROKER_XPC_SERVICE: service,
    });
  };
  const native = new Native(hookedShim(hooks, { clock, received }));
  const host: FaultyHost = new Supervisor(native, {
    schema,
    runtimeId: "faults",
    processorId: service,
    name: "client",
    processorType: "reactive",
    path: TEST_PATH,
    sleeps: false,
    timeoutSecs: DEFAULT_TIMEOUT_SECS,
    findBroker: (native, lost, signal) =>
      findBroker(
        native,
        {
          given: service,
          fallback: service,
          embed: makeBroker,
          ...(grpc !== undefined &&
            { grpc: { address: grpc, open: openGrpc } }),
        },
        lost,
        signal,
      ),
    spawn: (env) => {
      hooks.at("spawn", "before");
      const client = ahead ?? startClient(options, env);
      hooks.at("spawn", "after");
      return client;
    },
    warn: () => {}, // an ack that no broker takes, for instance: expected here
    restart: "never",
    settings: {},
    restarting: () => {},
  });
  return host;
}

function startClient(
  options: FaultyHostOptions,
  bridgeEnv: Readonly<Record<string, string>>,
): ClientProcess {
  const client = clientStarter({
    module: new URL(options.module ?? "../fixtures/invert.ts", import.meta.url),
    name: "client",
    runner: new URL("client.ts", import.meta.url),
    grpcClient: options.grpc === undefined
      ? undefined
      : options.grpcClient ?? GRPC_CLIENT,
    // Killing needs the permission to run everything.
    permissions: {
      run: true,
      read: [options.directory],
      write: [options.directory],
    },
    userEnv: {
      [PLAN]: JSON.stringify(options.clientPlan?.() ?? {}),
      [WORDS]: options.words,
    },
    deno: undefined,
    config: undefined,
    output: () => {},
  })(bridgeEnv);
  options.spawned(client);
  return client;
}

/** The arguments of a host's process. */
export interface HostArguments {
  readonly service: string;
  readonly directory: string;
  readonly words: string;
  readonly module?: string;
  readonly early?: boolean;
  /** The client's plan. Default: none. */
  readonly client?: Plan;
  /** Whether the signal of the client's fault goes to this host. */
  readonly clientKillsHost?: boolean;
}

/** What a host's process writes, each as a line of JSON. */
export type HostLine =
  | { readonly spawned: number }
  | { readonly ready: true }
  | { readonly ended: string };

function tell(line: HostLine): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${JSON.stringify(line)}\n`));
}

if (import.meta.main) {
  const args = JSON.parse(Deno.args[0]!) as HostArguments;
  const { client = {} } = args;
  const host = startHost({
    ...args,
    hooks: carryOut(ownPlan()),
    clock: new LimitClock(),
    clientPlan: () =>
      args.clientKillsHost && client.fault
        ? { ...client, fault: { ...client.fault, to: Deno.pid } }
        : client,
    spawned: ({ pid }) => tell({ spawned: pid }),
  });
  host.ready.then(() => tell({ ready: true }), () => {});
  host.ended.then((failure) => tell({ ended: failure?.message ?? "" }));
  for await (const _ of Deno.stdin.readable);
  await host.close();
}
