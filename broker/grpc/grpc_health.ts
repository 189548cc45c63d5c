/**
 * `grpc.health.v1.Health`, so that any health prober works unconfigured. Two
 * calls and two messages: less than a dependency and a second loader of .proto
 * files.
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

/** The service as it is served and described. */
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

/** The names that can be asked for: the server as a whole, and its one service. */
const SERVICES = ["", `${PACKAGE}.BrokerService`];

interface Request {
  service: string;
}
interface Response {
  status: number;
}
type Watcher = ServerWritableStream<Request, Response>;

/** Answers health probes: serving, until told that it is over. */
export class Health {
  readonly #watchers = new Set<Watcher>();
  #status: number = SERVING;

  /** What to give to a grpc-js server for {@link HEALTH}. */
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

  /** The server is closing: says so to all who watch, and ends their streams. */
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
