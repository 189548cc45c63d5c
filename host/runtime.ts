/**
 * A runtime's entry at the broker: what other tools find it by, kept there for
 * as long as the runtime lives.
 *
 * @module
 */

import { BrokerLink } from "../ffi/broker_link.ts";
import { pause } from "../ffi/clock.ts";
import { permittedEnvironment } from "../ffi/environment.ts";
import { Native } from "../ffi/native.ts";
import { accepted, isBrokerGone } from "../proto/wire/control.ts";
import { readVariable } from "../proto/environment.ts";
import { BridgeError } from "../proto/errors.ts";
import { POLL_INTERVAL_MS } from "../proto/limits.ts";
import { serviceName } from "../proto/names.ts";
import { warnToStderr } from "./stderr.ts";

/** The longest rest between two attempts, in milliseconds. */
const MAX_REST_MS = 1_000;

/** What a runtime tells of itself. */
export interface RuntimeOptions {
  /** Its own id; the hosts that it launches give the same. */
  readonly runtimeId: string;
  /** A name for people. */
  readonly name: string;
  /** Where its API is reached. */
  readonly apiEndpoint?: string;
  /** The file that it logs to. */
  readonly logPath?: string;
  /** The broker's service name. If not said: STREAMLIB_BROKER_XPC_SERVICE, else the default name. */
  readonly broker?: string;
  /** Hears why a broker has refused the entry, where it has; this process's stderr if not said. */
  readonly warn?: (text: string) => void;
}

/**
 * A runtime that is listed for as long as this is not disposed, with the
 * process id that the kernel vouches for. A broker that comes later, or again,
 * is told then.
 *
 * ```ts ignore
 * await using runtime = new Runtime({ runtimeId: "studio-1", name: "Studio" });
 * await runtime.registered;
 * ```
 */
export class Runtime implements AsyncDisposable {
  /** Resolves when a broker has the entry for the first time; rejects with `closed` when it was disposed before. */
  readonly registered: Promise<void>;
  readonly #options: RuntimeOptions;
  readonly #native: Native;
  readonly #link: BrokerLink;
  readonly #registered = Promise.withResolvers<void>();
  readonly #abort = new AbortController();
  #working: Promise<void> | undefined;
  /** How many brokers it was to tell so far. */
  #brokers = 0;

  /** Begins at once, in the background. Throws what `Native.open` throws. */
  constructor(options: RuntimeOptions) {
    const env = permittedEnvironment();
    const service = options.broker ??
      readVariable(env, "STREAMLIB_BROKER_XPC_SERVICE") ?? serviceName(env);
    this.#options = options;
    this.registered = this.#registered.promise;
    this.registered.catch(() => {}); // told to whoever awaits it
    using held = new DisposableStack();
    this.#native = held.use(Native.open());
    this.#link = held.use(
      new BrokerLink(this.#native, service, () => this.#register()),
    );
    held.move();
    this.#register();
  }

  /** Tells the broker, once it is there. */
  #register(): void {
    this.#brokers++;
    this.#working ??= this.#tell().then(() => {
      this.#working = undefined;
    });
  }

  async #tell(): Promise<void> {
    const { runtimeId, name, apiEndpoint, logPath } = this.#options;
    const { warn = warnToStderr } = this.#options;
    const { signal } = this.#abort;
    let restMs = POLL_INTERVAL_MS;
    while (!signal.aborted) {
      const broker = this.#brokers;
      try {
        accepted(
          "RegisterRuntime",
          await this.#link.call("RegisterRuntime", {
            runtime_id: runtimeId,
            name,
            api_endpoint: apiEndpoint ?? "",
            log_path: logPath ?? "",
            pid: Deno.pid,
          }, { signal }),
        );
        this.#registered.resolve();
        if (broker === this.#brokers) return;
        continue; // the one that has answered is gone already
      } catch (error) {
        if (!(error instanceof BridgeError)) throw error;
        if (!isBrokerGone(error)) {
          if (signal.aborted) return;
          this.#registered.reject(error);
          warn(error.message);
          return;
        }
      }
      await pause(this.#native.clock, restMs, signal);
      restMs = Math.min(MAX_REST_MS, 2 * restMs);
    }
  }

  /** Takes the entry back, where a broker has it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    this.#registered.reject(
      new BridgeError("closed", "The runtime was disposed"),
    );
    await this.#working;
    try {
      await this.#link.call("UnregisterRuntime", {
        runtime_id: this.#options.runtimeId,
      });
    } catch (error) {
      // Without a broker there is no entry.
      if (!(error instanceof BridgeError)) throw error;
    }
    this.#link[Symbol.dispose]();
    this.#native[Symbol.dispose]();
  }
}
