/**
 * Keeps a runtime registered at the broker, so that other tools find it.
 *
 * @module
 */

import { BrokerLink } from "../ffi/broker_link.ts";
import { permittedEnvironment } from "../ffi/environment.ts";
import { Native } from "../ffi/native.ts";
import { PersistentRequest } from "../ffi/persistent_request.ts";
import { accepted } from "../proto/wire/control.ts";
import { readVariable } from "../proto/environment.ts";
import { BridgeError } from "../proto/errors.ts";
import { POLL_INTERVAL_MS } from "../proto/limits.ts";
import { serviceName } from "../proto/names.ts";
import { warnToStderrAs } from "./stderr.ts";

/** The longest pause between two attempts, in milliseconds. */
const MAX_PAUSE_MS = 1_000;

/** The options of a {@link Runtime}. */
export interface RuntimeOptions {
  /** Id of the runtime. Give the hosts that it launches the same `runtimeId`. */
  readonly runtimeId: string;
  /** Name of the runtime, shown to users. */
  readonly name: string;
  /** Address of the runtime's own API. */
  readonly apiEndpoint?: string;
  /** Path of the runtime's log file. */
  readonly logPath?: string;
  /** Service name of the broker. Default: STREAMLIB_BROKER_XPC_SERVICE; if that is not set, the default name. */
  readonly broker?: string;
  /** Called with the reason if a broker refuses the registration. Default: writes it to this process's stderr, after the name. */
  readonly warn?: (text: string) => void;
}

/**
 * Registers this process as a runtime, until it is disposed. The broker takes
 * the process id from the kernel. Registers again at each broker that starts
 * later.
 *
 * ```ts ignore
 * await using runtime = new Runtime({ runtimeId: "studio-1", name: "Studio" });
 * await runtime.registered;
 * ```
 */
export class Runtime implements AsyncDisposable {
  /** Resolves when a broker has accepted the registration for the first time. Rejects with `closed` if the runtime is disposed before that, or with the broker's refusal. */
  readonly registered: Promise<void>;
  readonly #options: RuntimeOptions;
  readonly #native: Native;
  readonly #link: BrokerLink;
  readonly #request: PersistentRequest;
  readonly #registered = Promise.withResolvers<void>();
  readonly #abort = new AbortController();
  #working: Promise<void> | undefined;

  /** Registers in the background. Throws `library_not_found`, `not_permitted` or `version_mismatch` if the shim cannot be loaded. */
  constructor(options: RuntimeOptions) {
    const env = permittedEnvironment();
    const service = options.broker ??
      readVariable(env, "STREAMLIB_BROKER_XPC_SERVICE") ?? serviceName(env);
    this.#options = options;
    this.registered = this.#registered.promise;
    this.registered.catch(() => {}); // thrown to the caller that awaits it
    using held = new DisposableStack();
    this.#native = held.use(Native.open());
    this.#request = new PersistentRequest(this.#native.clock, {
      firstPauseMs: POLL_INTERVAL_MS,
      maxPauseMs: MAX_PAUSE_MS,
    });
    this.#link = held.use(
      new BrokerLink(this.#native, service, () => {
        this.#request.lost();
        this.#register();
      }),
    );
    held.move();
    this.#register();
  }

  /** Registers at the broker, in the background, unless that is under way. */
  #register(): void {
    if (!this.#request.isAsking) this.#working = this.#untilRegistered();
  }

  async #untilRegistered(): Promise<void> {
    const { name, warn = warnToStderrAs(name) } = this.#options;
    const { signal } = this.#abort;
    try {
      await this.#request.ask(() => this.#attempt(signal), signal);
    } catch (error) {
      if (signal.aborted) return; // dispose rejects `registered`
      if (!(error instanceof BridgeError)) throw error;
      this.#registered.reject(error);
      warn(error.message);
    }
  }

  async #attempt(signal: AbortSignal): Promise<void> {
    const { runtimeId, name, apiEndpoint, logPath } = this.#options;
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
  }

  /** Unregisters the runtime, if there is a broker. */
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
      // Without a broker there is no registration.
      if (!(error instanceof BridgeError)) throw error;
    }
    this.#link[Symbol.dispose]();
    this.#native[Symbol.dispose]();
  }
}
