import { assertEquals, assertRejects } from "@std/assert";
import type { Caller, Handlers } from "../../broker/calls/call_types.ts";
import { createHandlers } from "../../broker/calls/handlers.ts";
import type { Registry } from "../../broker/registry/registry.ts";
import { BridgeError, type ErrorCode } from "../../proto/errors.ts";
import { type FakeEndpoint, FakeWorld } from "./fake_world.ts";

/** A broker without a carrier. */
export class FakeBroker {
  readonly world = new FakeWorld();
  readonly registry: Registry<FakeEndpoint>;
  readonly handlers: Handlers<FakeEndpoint>;
  failDup = false;

  constructor() {
    this.registry = this.world.registry();
    this.handlers = createHandlers({
      registry: this.registry,
      dup: (endpoint) => {
        if (this.failDup) throw new BridgeError("native_failure", "EMFILE");
        return endpoint.dup();
      },
      log: this.world.log,
      now: this.world.clock.now,
    });
  }

  allocate(request: object = {}, caller: Caller = grpc()): ReturnType<
    Handlers<FakeEndpoint>["unary"]["AllocateConnection"]
  > {
    return this.handlers.unary.AllocateConnection(caller, {
      runtime_id: "r",
      processor_id: "p",
      ...request,
    });
  }

  /** A connection with tokens. Its host and client are the XPC peers 1 and 2. */
  async guarded(): Promise<{ id: object; host: Caller; client: Caller }> {
    const made = await this.allocate({ want_tokens: true }, xpc(1));
    return {
      id: { connection_id: made.connection_id },
      host: xpc(1, made.host_token),
      client: xpc(2, made.client_token),
    };
  }

  async states(id: object, caller: Caller): Promise<string> {
    const info = await this.handlers.unary.GetConnectionInfo(caller, id);
    return `${info.host_state} ${info.client_state} ${info.derived_state}`;
  }
}

/** A caller over gRPC: it may have a token, and has no peer. */
export function grpc(token?: string): Caller {
  const { signal } = new AbortController();
  return { carrier: "grpc", signal, ...(token !== undefined && { token }) };
}

/** A caller over XPC: the peer with this number. */
export function xpc(
  peer: number,
  token?: string,
  signal = new AbortController().signal,
): Caller {
  return {
    carrier: "xpc",
    signal,
    peer: { id: peer, pid: 100 + peer, euid: 1000 },
    ...(token !== undefined && { token }),
  };
}

/** Asserts that `call` rejects with a BridgeError of this code, with `text` in its message. */
export async function refuses(
  call: () => Promise<unknown>,
  code: ErrorCode,
  text: string,
): Promise<void> {
  const error = await assertRejects(call, BridgeError, text);
  assertEquals(error.code, code, error.message);
}
