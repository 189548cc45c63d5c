/**
 * Calls the broker of the bootstrap that this process is in, over XPC.
 *
 * @module
 */

import { Bootstrap } from "../../ffi/bootstrap.ts";
import { BrokerLink } from "../../ffi/broker_link.ts";
import { Native } from "../../ffi/native.ts";
import { inheritedChannel } from "../../ffi/own_names.ts";
import {
  BOOTSTRAP_ISOLATED,
  BOOTSTRAP_VARIABLE,
  bootstrapOf,
} from "../../proto/bootstrap.ts";
import { BridgeError } from "../../proto/errors.ts";
import type {
  CallOptions,
  RequestOf,
  ResponseOf,
  UnaryMethod,
} from "../../proto/wire/control.ts";
import type { TreeClient } from "../terminal/console.ts";

/**
 * Opens a client for the broker that the bootstrap knows under a name. Until it is
 * disposed, this process looks for names in its bootstrap only: a broker of this user
 * that has the name, too, is asked over gRPC.
 *
 * @throws {BridgeError} what opening the shim throws
 */
export function openTree(service: string): TreeClient {
  using held = new DisposableStack();
  const native = held.use(Native.open());
  held.use(isolate());
  return new LinkedClient(native, service, held.move());
}

/** Makes the bootstrap the only place where this process looks for names, until the result is disposed. */
function isolate(): Disposable {
  const value = Deno.env.get(BOOTSTRAP_VARIABLE) ?? "";
  const isOpen = bootstrapOf(Deno.env)?.isolated === false;
  if (isOpen) Deno.env.set(BOOTSTRAP_VARIABLE, value + BOOTSTRAP_ISOLATED);
  return {
    [Symbol.dispose]: () => {
      if (isOpen) Deno.env.set(BOOTSTRAP_VARIABLE, value);
    },
  };
}

/** See `Console.bootstrapFault`. Throws as `Bootstrap.whyNone` does. */
export function bootstrapFault(): string | undefined {
  return Bootstrap.whyNone();
}

class LinkedClient implements TreeClient {
  readonly service: string;
  readonly #native: Native;
  readonly #held: DisposableStack;
  /** Made with the first call: it connects at once. */
  #link: BrokerLink | undefined;

  /** @param held what is disposed with the client */
  constructor(native: Native, service: string, held: DisposableStack) {
    this.#native = native;
    this.service = service;
    this.#held = held;
  }

  call<M extends UnaryMethod>(
    method: M,
    request: RequestOf<M>,
    options?: CallOptions,
  ): Promise<ResponseOf<M>> {
    this.#link ??= new BrokerLink(this.#native, this.service);
    return this.#link.call(method, request, options);
  }

  loss(): string | undefined {
    try {
      inheritedChannel(this.#native);
      return undefined;
    } catch (error) {
      if (!(error instanceof BridgeError)) throw error;
      return error.message;
    }
  }

  [Symbol.dispose](): void {
    this.#link?.[Symbol.dispose]();
    this.#held.dispose();
  }
}
