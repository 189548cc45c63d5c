/**
 * A broker inside a host's process, for the clients of that host. All hosts of
 * an isolate share one; it ends with the last of them. Its name is in a bootstrap:
 * only the clients reach it, and nothing is on disk.
 *
 * @module
 */

import { Bootstrap } from "../ffi/bootstrap.ts";
import { permittedEnvironment } from "../ffi/environment.ts";
import { serviceName } from "../proto/names.ts";
import { Broker } from "./broker.ts";

/** A broker and its bootstrap. Disposing it ends both. */
interface Embedded extends AsyncDisposable {
  readonly service: string;
  readonly bootstrap: Bootstrap;
}

let current:
  | { readonly embedded: Promise<Embedded>; holders: number }
  | undefined;

/**
 * Returns a reference to this isolate's embedded broker, and starts it for the
 * first reference. It has the default service name, and serves XPC only. The broker
 * ends when the last reference is disposed.
 */
export async function embedBroker(): Promise<Embedded> {
  const shared = current ??= { embedded: start(), holders: 0 };
  shared.holders++;
  const release = async (): Promise<void> => {
    if (--shared.holders > 0) return;
    if (current === shared) current = undefined;
    await (await shared.embedded)[Symbol.asyncDispose]();
  };
  try {
    const { service, bootstrap } = await shared.embedded;
    return { service, bootstrap, [Symbol.asyncDispose]: release };
  } catch (error) {
    if (current === shared) current = undefined;
    throw error;
  }
}

async function start(): Promise<Embedded> {
  await using held = new AsyncDisposableStack();
  const service = serviceName(permittedEnvironment());
  const bootstrap = held.use(Bootstrap.create());
  held.use(
    await Broker.start({
      service,
      bootstrap,
      // The host reports every failure itself, so the broker logs only its own errors.
      log: { sink: () => {}, level: "error" },
    }),
  );
  const owned = held.move();
  return {
    service,
    bootstrap,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
