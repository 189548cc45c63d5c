/**
 * A broker inside a host's process, for its own children. Hosts of one
 * isolate share one; the last that lets go ends it.
 *
 * @module
 */

import { permittedEnvironment } from "../ffi/environment.ts";
import { CONNECTION_ID_BYTES } from "../proto/limits.ts";
import { embeddedService, serviceName } from "../proto/names.ts";
import { Broker } from "./broker.ts";

let current: { readonly broker: Promise<Broker>; holders: number } | undefined;

/**
 * A hold on this isolate's embedded broker, started if this is the first. It
 * listens under a name that nobody can guess, and serves XPC alone.
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
  // Its host tells of every failure by itself: the log would say it twice.
  return Broker.start({ service, log: { sink: () => {}, level: "error" } });
}
