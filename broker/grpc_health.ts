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
  type ServiceDefinition,
  status,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { type MessageDescriptor, PACKAGE } from "../proto/broker_gen.ts";
import { createCodecs } from "./grpc_codec.ts";

const HEALTH_PACKAGE = "grpc.health.v1";
/** The enum ServingStatus; an enum travels as an int32. */
const SERVING = 1;
const NOT_SERVING = 2;
const SERVICE_UNKNOWN = 3;

const MESSAGES: Readonly<Record<string, MessageDescriptor>> = {
  HealthCheckRequest: { fields: { service: { type: "string", id: 1 } } },
  HealthCheckResponse: { fields: { status: { type: "int32", id: 1 } } },
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

/** The calls' paths and codecs, as grpc-js's servers and clients take them. */
export function healthDefinition(): ServiceDefinition {
  const codecs = createCodecs(HEALTH_PACKAGE, MESSAGES);
  const request = codecs("HealthCheckRequest");
  const response = codecs("HealthCheckResponse");
  const define = (name: string, responseStream: boolean) => ({
    path: `/${HEALTH_PACKAGE}.Health/${name}`,
    requestStream: false,
    responseStream,
    requestSerialize: request.encode,
    requestDeserialize: request.decode,
    responseSerialize: response.encode,
    responseDeserialize: response.decode,
  });
  return { Check: define("Check", false), Watch: define("Watch", true) };
}

/** Answers health probes: serving, until told that it is over. */
export class Health {
  readonly #watchers = new Set<Watcher>();
  #status = SERVING;

  /** What to give to a grpc-js server beside {@link healthDefinition}. */
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
