import type {
  GrpcCarrier,
  GrpcCarrierOptions,
} from "../../broker/grpc/grpc_carrier.ts";
import type { GrpcClient } from "../../broker/grpc/grpc_client.ts";
import type { GrpcHandlers } from "../../broker/grpc/grpc_server.ts";
import { Log } from "../../broker/log/log.ts";
import type { Needs } from "./permitted.ts";

/** The permissions that a control plane on a Unix socket needs. */
export const GRPC_NEEDS: Needs = {
  read: true,
  write: true,
  net: true,
  env: true,
};

/** A private directory. It is removed with its content at the end of its scope. */
export class PrivateDirectory implements Disposable {
  /** Short, because a socket's path has at most 103 bytes. */
  readonly path: string = Deno.makeTempDirSync({ prefix: "sl" });

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

/** A control plane on its own socket, and a client of it. */
export interface ServedControlPlane extends AsyncDisposable {
  readonly carrier: GrpcCarrier;
  readonly client: GrpcClient;
  readonly path: string;
  readonly logLines: Record<string, unknown>[];
}

/** Serves `handlers` for one test. Loads grpc-js, which needs more permissions than ffi. */
export async function serveControlPlane(
  handlers: Partial<GrpcHandlers> = {},
  limits: Pick<GrpcCarrierOptions, "quotas" | "prefaceTimeoutMs"> = {},
): Promise<ServedControlPlane> {
  const { GrpcCarrier } = await import("../../broker/grpc/grpc_carrier.ts");
  const { Native } = await import("../../ffi/native.ts");
  const { PatientClient } = await import("./patient_client.ts");
  await using held = new AsyncDisposableStack();
  const logLines: Record<string, unknown>[] = [];
  const path = `${held.use(new PrivateDirectory()).path}/run/broker.grpc`;
  const carrier = held.use(
    await GrpcCarrier.start({
      ...limits,
      native: held.use(Native.open()),
      service: "com.example.grpc",
      address: `unix:${path}`,
      handlers: { unary: {}, stream: {}, ...handlers },
      log: new Log("grpc", {
        now: Date.now,
        sink: (line) => void logLines.push(JSON.parse(line)),
      }),
    }),
  );
  const client = held.use(new PatientClient(carrier.address));
  const resources = held.move();
  return {
    carrier,
    client,
    path,
    logLines,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
