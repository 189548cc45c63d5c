/**
 * A workaround for a bug of Deno 2.9.4 to 2.9.6. When GOAWAY arrives on an HTTP/2
 * session that has carried some hundred calls, `node:http2` closes the session
 * inside nghttp2's receive callback, and the process is killed (SIGABRT or
 * SIGSEGV, denoland/deno#36788). A server dies when a client closes, a client when
 * its server shuts down.
 *
 * With the guard, `close` and `destroy` of every session run in a later turn of the
 * event loop, when nghttp2 is not on the stack.
 *
 * @module
 */

import http2 from "node:http2";

type Factory = (...args: unknown[]) => object;
type Emitter = { on(event: string, listener: (value: object) => void): void };

const FACTORIES = ["createServer", "createSecureServer", "connect"] as const;

/** Whether this version of Deno has the bug. */
export function hasHttp2Fault(version: string): boolean {
  return ["2.9.4", "2.9.5", "2.9.6"].includes(version);
}

/**
 * Guards every HTTP/2 session that is made from now on, if this version of Deno has
 * the bug. A second call has no effect.
 *
 * @param version the running version of Deno
 * @returns whether the guard is in place
 */
export function guardHttp2(version: string = Deno.version.deno): boolean {
  if (!hasHttp2Fault(version)) return false;
  const factories = http2 as unknown as Record<string, Factory>;
  for (const name of FACTORIES) {
    const factory = factories[name];
    if (factory === undefined || guarded in factory) continue;
    const replacement: Factory = (...args) => {
      const made = factory(...args);
      if (name === "connect") postponeClosing(made);
      else (made as Emitter).on("session", postponeClosing);
      return made;
    };
    factories[name] = Object.assign(replacement, { [guarded]: true });
  }
  return true;
}

/** Marks a guarded factory. A global symbol, because this module may be loaded twice. */
const guarded: unique symbol = Symbol.for(
  "@streamlib/bridge/http2_guard",
) as never;

function postponeClosing(session: object): void {
  const methods = session as Record<string, (...args: unknown[]) => unknown>;
  for (const name of ["close", "destroy"]) {
    const now = methods[name]?.bind(session);
    methods[name] = (...args) => void setImmediate(() => now?.(...args));
  }
}
