/**
 * A broker inside a host's process, for the clients of that host. All hosts of
 * an isolate share one; it ends with the last of them.
 *
 * @module
 */

import { permittedEnvironment } from "../ffi/environment.ts";
import { CONNECTION_ID_BYTES } from "../proto/limits.ts";
import { embeddedService, serviceName } from "../proto/names.ts";
import { Broker } from "./broker.ts";

let current: { readonly broker: Promise<Broker>; holders: number } | undefined;

/**
 * Returns a reference to this isolate's embedded broker, and starts it for the
 * first reference. It has a random service name and serves XPC only. The broker
 * ends when the last reference is disposed.
 */
export async function embedBroker(): Promise<
  { readonly service: string } & AsyncDisposable
> {
  const shared = current ??= { broker: start(), holders: 0 };
  shared.holders++;
  const release = async (): Promise<void> => {
    if (--shared.holders > 0) return;
    if (current === shared) current = undefined;
    await (await shared.broker)[Symbol.asyncDispose]();
  };
  try {
    const { service } = await shared.broker;
    return { service, [Symbol.asyncDispose]: release };
  } catch (error) {
    if (current === shared) current = undefined;
    throw error;
  }
}

function start(): Promise<Broker> {
  const random = crypto.getRandomValues(new Uint8Array(CONNECTION_ID_BYTES));
  const service = embeddedService(serviceName(permittedEnvironment()), random);
  // The host reports every failure itself, so the broker logs only its own errors.
  return Broker.start({ service, log: { sink: () => {}, level: "error" } });
}
