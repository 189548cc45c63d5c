/** A gRPC service with one bidirectional stream of bytes. */

import { Buffer } from "node:buffer";
import type { MethodDefinition } from "@grpc/grpc-js";

const echo: MethodDefinition<Uint8Array, Uint8Array> = {
  path: "/bench.Echo/Echo",
  requestStream: true,
  responseStream: true,
  requestSerialize: (message) => Buffer.from(message),
  requestDeserialize: (bytes) => bytes,
  responseSerialize: (message) => Buffer.from(message),
  responseDeserialize: (bytes) => bytes,
};

/** The service, as grpc-js takes it. */
export const ECHO_SERVICE = { echo } as const;
