/**
 * The client of gRPC, for tests. Loads grpc-js: only for tests that may; import
 * it dynamically.
 */

import { GrpcClient } from "../../broker/grpc/grpc_client.ts";
import type {
  CallOptions,
  RequestOf,
  ResponseOf,
  StreamMethod,
  UnaryMethod,
} from "../../proto/wire/control.ts";
import { PATIENCE_MS } from "./soon.ts";

/** A client that waits for an answer as long as a test does, where the call does not say otherwise. */
export class PatientClient extends GrpcClient {
  override call<M extends UnaryMethod>(
    method: M,
    request: RequestOf<M>,
    options: CallOptions = {},
  ): Promise<ResponseOf<M>> {
    return super.call(method, request, { timeoutMs: PATIENCE_MS, ...options });
  }

  override stream<M extends StreamMethod>(
    method: M,
    request: RequestOf<M>,
    options: CallOptions = {},
  ): AsyncGenerator<ResponseOf<M>, void, void> {
    return super.stream(method, request, {
      timeoutMs: PATIENCE_MS,
      ...options,
    });
  }
}
