/**
 * The gRPC client, for tests. It loads grpc-js, which needs more permissions
 * than ffi: import it dynamically.
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

/** A client whose default time limit for an answer is that of a test. */
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
