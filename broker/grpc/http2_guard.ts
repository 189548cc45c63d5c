/**
 * A guard against a fault of Deno 2.9.4 to 2.9.6: when GOAWAY arrives on an
 * HTTP/2 session that has carried some hundred calls, `node:http2` closes the
 * session inside nghttp2's own receive callback, and the process is killed
 * (SIGABRT or SIGSEGV, denoland/deno#36788). A server dies when its client
 * closes, a client when its server drains.
 *
 * With the guard every session's `close` and `destroy` wait for a later turn of
 * the event loop, when nghttp2 is not on the stack any more.
 *
 * @module
 */

import http2 from "node:http2";

type Factory = (...args: unknown[]) => object;
type Emitter = { on(event: string, listener: (value: object) => void): void };

const FACTORIES = ["createServer", "createSecureServer", "connect"] as const;

/** Whether that version of Deno has the fault. */
export function hasHttp2Fault(version: string): boolean {
  return ["2.9.4", "2.9.5", "2.9.6"].includes(version);
}

/**
 * Puts the guard around every HTTP/2 session that is made from now on, where
 * this version of Deno needs it. Calling it again changes nothing.
 *
 * @param version the version of Deno that this runs on
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

/** Marks a factory that has the guard, also for another copy of this module. */
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
