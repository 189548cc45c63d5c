/**
 * `grpc.health.v1.Health`, for standard health probes. Two calls and two messages
 * are less than a dependency that loads .proto files in its own way.
 *
 * @module
 */

import {
  type sendUnaryData,
  type ServerUnaryCall,
  type ServerWritableStream,
  status,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { PACKAGE } from "../../proto/broker_gen.ts";
import type { StandardService } from "./grpc_standard.ts";

const STATUS = { UNKNOWN: 0, SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 };
const { SERVING, NOT_SERVING, SERVICE_UNKNOWN } = STATUS;

const CALL = { request: "HealthCheckRequest", response: "HealthCheckResponse" };

/** The description of the service. */
export const HEALTH: StandardService = {
  file: "grpc/health/v1/health.proto",
  packageName: "grpc.health.v1",
  name: "Health",
  methods: {
    Check: { ...CALL, requestStream: false, responseStream: false },
    Watch: { ...CALL, requestStream: false, responseStream: true },
  },
  messages: {
    HealthCheckRequest: { fields: { service: { type: "string", id: 1 } } },
    HealthCheckResponse: {
      fields: { status: { type: "ServingStatus", id: 1 } },
      nested: { ServingStatus: { values: STATUS } },
    },
  },
};

/** The names that a probe can ask for: the server as a whole, and its service. */
const SERVICES = ["", `${PACKAGE}.BrokerService`];

interface Request {
  service: string;
}
interface Response {
  status: number;
}
type Watcher = ServerWritableStream<Request, Response>;

/** Answers health probes with SERVING until it is closed. */
export class Health {
  readonly #watchers = new Set<Watcher>();
  #status: number = SERVING;

  /** The implementation of {@link HEALTH} for a grpc-js server. */
  readonly implementation: UntypedServiceImplementation = {
    Check: (
      call: ServerUnaryCall<Request, Response>,
      done: sendUnaryData<Response>,
    ): void => {
      if (SERVICES.includes(call.request.service)) {
        done(null, { status: this.#status });
      } else {
        done({ code: status.NOT_FOUND, details: "unknown service" });
      }
    },
    Watch: (call: Watcher): void => {
      const known = SERVICES.includes(call.request.service);
      call.write({ status: known ? this.#status : SERVICE_UNKNOWN });
      this.#watchers.add(call);
      call.on("cancelled", () => this.#watchers.delete(call));
    },
  };

  /** Sends NOT_SERVING to all watchers, and ends their streams. */
  close(): void {
    this.#status = NOT_SERVING;
    for (const call of this.#watchers) {
      if (SERVICES.includes(call.request.service)) {
        call.write({ status: NOT_SERVING });
      }
      call.end();
    }
  }
}
