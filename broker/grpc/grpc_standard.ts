/**
 * The tables of gRPC's standard services, health and reflection. One table per
 * service is used to serve it, to encode its messages and to describe it.
 *
 * @module
 */

import type { ServiceDefinition } from "@grpc/grpc-js";
import type { MessageDescriptor } from "../../proto/broker_gen.ts";
import { createCodecs } from "./grpc_codec.ts";

/** A message of a standard service, in the JSON form of protobufjs. */
export interface StandardMessage extends MessageDescriptor {
  /** The message's own enums. */
  readonly nested?: Readonly<
    Record<string, { readonly values: Readonly<Record<string, number>> }>
  >;
}

/** A call of a standard service. */
export interface StandardMethod {
  readonly request: string;
  readonly response: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
}

/** A standard service. */
export interface StandardService {
  /** The name of its .proto file. */
  readonly file: string;
  readonly packageName: string;
  readonly name: string;
  readonly methods: Readonly<Record<string, StandardMethod>>;
  readonly messages: Readonly<Record<string, StandardMessage>>;
}

/** Returns the paths and codecs of the calls, for a server or client of grpc-js. */
export function definitionOf(service: StandardService): ServiceDefinition {
  const { packageName, messages } = service;
  const codecs = createCodecs(packageName, messages);
  return Object.fromEntries(
    Object.entries(service.methods).map(([name, method]) => {
      const request = codecs(method.request);
      const response = codecs(method.response);
      return [name, {
        path: `/${packageName}.${service.name}/${name}`,
        requestStream: method.requestStream,
        responseStream: method.responseStream,
        requestSerialize: request.encode,
        requestDeserialize: request.decode,
        responseSerialize: response.encode,
        responseDeserialize: response.decode,
      }];
    }),
  );
}
