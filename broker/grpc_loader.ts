/**
 * Loads what serves gRPC, only if gRPC is used: grpc-js and protobufjs take
 * 100 ms and 40 MB, and read the environment.
 *
 * The specifiers are computed at run time, and nothing here imports a type from
 * the modules that they name. So these modules, and the npm packages that they
 * import, are not in the graph of a program that imports a host: Deno downloads
 * them when gRPC is used for the first time. A program that always uses gRPC
 * imports them with a literal: see `broker/main.ts`.
 *
 * @module
 */

import type { OwnedCapability } from "../ffi/capability.ts";
import type { Native } from "../ffi/native.ts";
import { BridgeError } from "../proto/errors.ts";
import { escapeControls } from "../proto/escape.ts";
import { packageModule } from "../proto/package_root.ts";
import type { ControlClient } from "../proto/wire/control.ts";
import type { createHandlers } from "./calls/handlers.ts";
import type { Log } from "./log/log.ts";
import type { Incidents } from "./registry/incidents.ts";
import type { IdentifyProcess } from "./registry/process.ts";
import type { Quotas } from "./registry/quotas.ts";

/** The module whose `GrpcClient` carries a client's control calls over gRPC. */
export const GRPC_CLIENT: URL = packageModule("broker/grpc/grpc_client");

const GRPC_CARRIER = packageModule("broker/grpc/grpc_carrier");

/** What serves gRPC, while it runs. Disposing it ends it. */
export interface GrpcService extends AsyncDisposable {
  /** The address for a gRPC client. */
  readonly address: string;
  /** Whether a service manager passed the socket. */
  readonly isInherited: boolean;
  /** The number of open connections. */
  readonly connectionCount: number;
  /** The number of connections since the start that had an HTTP/2 session. */
  readonly sessionCount: number;
}

/** Begins to serve the control API over gRPC. */
export type StartGrpc = (options: {
  readonly native: Native;
  readonly service: string;
  readonly address: string;
  readonly handlers: ReturnType<typeof createHandlers<OwnedCapability>>;
  readonly log: Log;
  readonly quotas: Quotas;
  readonly incidents: Incidents;
  readonly identify: IdentifyProcess;
}) => Promise<GrpcService>;

/** Loads the gRPC carrier, and starts it. */
export const startGrpc: StartGrpc = async (options) => {
  const { GrpcCarrier } = await load<{ GrpcCarrier: { start: StartGrpc } }>(
    GRPC_CARRIER,
  );
  return await GrpcCarrier.start(options);
};

/** Loads the gRPC client, and opens it. */
export async function openGrpcClient(address: string): Promise<ControlClient> {
  const { GrpcClient } = await load<
    { GrpcClient: new (address: string) => ControlClient }
  >(GRPC_CLIENT);
  return new GrpcClient(address);
}

async function load<Module>(url: URL): Promise<Module> {
  try {
    return await import(url.href);
  } catch (cause) {
    const advice = Deno.build.standalone
      ? "a compiled program has them only if broker/main of this package was included"
      : "let Deno download them once: deno cache jsr:@streamlib/bridge/broker/main";
    throw new BridgeError(
      "broker_unreachable",
      `Cannot use gRPC: its modules cannot be loaded: ${
        escapeControls((cause as Error).message)
      }; ${advice}, or use control: "xpc"`,
      { cause },
    );
  }
}
