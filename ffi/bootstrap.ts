/**
 * A bootstrap: names for the processes that this one starts. They reach each
 * other, and this process, by name; nobody else can. Nothing is installed, and
 * nothing is written to disk. docs/bootstrap.md tells more.
 *
 * @module
 */

import { BOOTSTRAP_VARIABLE } from "../proto/bootstrap.ts";
import { BridgeError, describeError } from "../proto/errors.ts";
import { Capability } from "../proto/wire/xpc_value.ts";
import { OwnedCapability } from "./capability.ts";
import { pause } from "./clock.ts";
import { Connection } from "./connection.ts";
import { Listener, type ListenerEvents, withPeers } from "./listener.ts";
import { type BootstrapEvent, BootstrapEvents } from "./bootstrap_events.ts";
import type { BootstrapHandle } from "./handle.ts";
import { Native } from "./native.ts";
import { STATUS } from "./status.ts";

/** `SLB_BOOTSTRAP_VALUE_BYTES` of the header. */
export const MAX_CHANNEL_BYTES = 64;
/** The least time between two starts of a declared server. */
const RESTART_MS = 1_000;
/** The time after which an unserved name is looked up again, if no event tells. */
const LOOK_AGAIN_MS = 250;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The options of a bootstrap. */
export interface BootstrapOptions {
  /**
   * Whether a name that it does not know is looked for nowhere else. By default a
   * child looks for it in the bootstrap that this process is in itself, and then
   * among the services of this user.
   */
  readonly isolated?: boolean;
}

/** The options of {@link Bootstrap.connect}. */
export interface ConnectOptions {
  /** The time until it fails with `timed_out`, in milliseconds. Default: it waits. */
  readonly timeoutMs?: number;
  /** Cancels it: it then fails with `aborted`. */
  readonly signal?: AbortSignal;
}

/**
 * A registry of names in this process, and the channels of its children to it.
 *
 * ```ts
 * import { Bootstrap } from "@streamlib/bridge/bootstrap";
 *
 * using bootstrap = Bootstrap.create();
 * const child = bootstrap.spawn(Deno.execPath(), {
 *   args: ["eval", "console.log(Deno.env.has('STREAMLIB_BOOTSTRAP'))"],
 *   stdout: "piped",
 * });
 * const { stdout } = await child.output();
 * console.log(new TextDecoder().decode(stdout)); // true
 * ```
 */
export class Bootstrap implements Disposable {
  readonly #native: Native;
  readonly #handle: BootstrapHandle;
  readonly #events: BootstrapEvents;
  readonly #servers = new Map<string, () => Deno.ChildProcess>();
  /** Why the server of a declared name could not be started the last time. */
  readonly #failures = new Map<string, string>();
  readonly #disposed = new AbortController();

  /**
   * Starts a bootstrap. Its thread answers children also while this process is busy.
   *
   * @throws {BridgeError} what opening the shim throws; `native_failure` if the
   * system has no thread or no descriptor for it
   */
  static create(options: BootstrapOptions = {}): Bootstrap {
    return new Bootstrap(Native.open(), options);
  }

  /**
   * Why this system offers no bootstrap: a version of macOS without two functions
   * that no header of Apple's declares. `undefined` if it does.
   *
   * @throws {BridgeError} as {@link Bootstrap.create} does
   */
  static whyNone(): string | undefined {
    using native = Native.open(); // it keeps the code of the failure
    try {
      using _bootstrap = Bootstrap.create();
      return undefined;
    } catch (error) {
      if (native.lastErrorCode() === STATUS.absent) {
        return (error as BridgeError).message;
      }
      throw error;
    }
  }

  /**
   * Takes a lease of the shim over. Use {@link Bootstrap.create} instead.
   *
   * @internal
   */
  constructor(native: Native, { isolated = false }: BootstrapOptions = {}) {
    using held = new DisposableStack();
    this.#native = held.use(native);
    const { symbols, queue } = native;
    this.#handle = native.created(
      symbols.slb_bootstrap_create(queue, isolated ? 1 : 0),
    );
    held.defer(() => symbols.slb_release(this.#handle));
    this.#events = new BootstrapEvents(
      native,
      this.#handle,
      (name) => this.#start(name),
    );
    held.move(); // from here on [Symbol.dispose] releases it
  }

  /**
   * Starts a program that is in this bootstrap, with all that it starts in turn.
   * Names of XPC services resolve there without a further step.
   *
   * @param command the program, as for `Deno.Command`
   * @param options those of `Deno.Command`; STREAMLIB_BOOTSTRAP is added to `env`
   * @returns the child, which the caller owns: a bootstrap does not end its children
   * @throws what `Deno.Command` throws, and `native_failure` if there is no descriptor
   * for a channel
   */
  spawn(
    command: string | URL,
    options: Deno.CommandOptions = {},
  ): Deno.ChildProcess {
    const child = this.offer((channel) =>
      new Deno.Command(command, {
        ...options,
        env: { ...options.env, ...channel },
      }).spawn()
    );
    this.#events.add({
      type: "spawned",
      name: String(command),
      pid: child.pid,
    });
    child.status.then(() =>
      this.#events.add({ type: "ended", name: String(command), pid: child.pid })
    );
    return child;
  }

  /**
   * Opens a channel for one child, which `start` starts with these variables in
   * its environment before it returns.
   *
   * @internal
   */
  offer<T>(start: (channel: Readonly<Record<string, string>>) => T): T {
    const { symbols } = this.#native;
    const value = new Uint8Array(MAX_CHANNEL_BYTES);
    const length = symbols.slb_bootstrap_offer(
      this.#usable("start a child in"),
      value,
      value.length,
    );
    if (length === 0) throw this.#native.failure();
    try {
      return start({
        [BOOTSTRAP_VARIABLE]: decoder.decode(value.subarray(0, length)),
      });
    } finally {
      symbols.slb_bootstrap_withdraw(this.#handle);
    }
  }

  /**
   * Serves a name from this process. Disposing the listener ends that.
   *
   * @param name 1 to 127 bytes as UTF-8, without NUL
   * @param events gets each new connection
   * @throws {BridgeError} `name_in_use` if another listener of this bootstrap serves
   * it, `bad_argument` for an impossible name, `native_failure` if there are too many
   */
  register(name: string, events: ListenerEvents): Listener {
    const handle = this.#usable("register in");
    using held = new DisposableStack();
    const listener = held.use(Listener.anonymous(this.#native));
    listener.disposeWith(this.#native.lease());
    using endpoint = listener.endpoint();
    const bytes = encoder.encode(name);
    const { symbols } = this.#native;
    listener.activate(withPeers(this.#native, events));
    this.#native.checked(
      symbols.slb_bootstrap_register(
        handle,
        bytes,
        bytes.length,
        endpoint.borrow().handle,
      ),
    );
    held.move();
    return listener;
  }

  /**
   * Returns a connection to whoever serves the name, inactive; `undefined` if nobody
   * does now. A declared server is started.
   *
   * @throws {BridgeError} `bad_argument` for an impossible name, `native_failure`
   */
  tryConnect(name: string): Connection | undefined {
    const { symbols } = this.#native;
    const bytes = encoder.encode(name);
    const handle = symbols.slb_bootstrap_look_up(
      this.#usable("connect in"),
      bytes,
      bytes.length,
    );
    if (handle !== 0) {
      using endpoint = new OwnedCapability(
        this.#native,
        new Capability("endpoint", handle),
      );
      const connection = Connection.toEndpoint(
        this.#native,
        endpoint.borrow(),
      );
      connection.disposeWith(this.#native.lease()); // it goes on without the bootstrap
      return connection;
    }
    const code = this.#native.lastErrorCode();
    if (code === STATUS.absent || code === STATUS.again) return undefined;
    throw this.#native.failure();
  }

  /**
   * Waits until somebody serves the name. Returns a connection to it, inactive,
   * which the caller owns. The connection is to that server: when it ends, the
   * connection does too.
   *
   * ```ts
   * import { Bootstrap } from "@streamlib/bridge/bootstrap";
   *
   * using bootstrap = Bootstrap.create();
   * using listener = bootstrap.register("com.example.preview", {
   *   peer: (peer) => peer[Symbol.dispose](),
   *   ended: () => {},
   * });
   * using connection = await bootstrap.connect("com.example.preview");
   * ```
   *
   * @throws {BridgeError} `timed_out`, `aborted`, `closed` if this bootstrap is
   * disposed meanwhile, and what {@link tryConnect} throws
   */
  async connect(
    name: string,
    { timeoutMs = Infinity, signal }: ConnectOptions = {},
  ): Promise<Connection> {
    const { clock } = this.#native;
    const until = clock.now() + timeoutMs;
    using _awake = this.#events.keepAlive();
    for (;;) {
      if (signal?.aborted) {
        throw notConnected(name, "aborted", CALLED_OFF, signal.reason);
      }
      const connection = this.tryConnect(name);
      if (connection) return connection;
      const left = until - clock.now();
      if (left <= 0) {
        const failure = this.#failures.get(name);
        const why = failure === undefined
          ? UNSERVED
          : `its server cannot be started: ${failure}`;
        throw notConnected(name, "timed_out", why);
      }
      const next = AbortSignal.any([
        this.#events.change,
        this.#disposed.signal,
        ...(signal ? [signal] : []),
      ]);
      await pause(clock, Math.min(left, LOOK_AGAIN_MS), next);
    }
  }

  /**
   * Declares a name whose server is started when somebody asks for it. Who asks
   * waits until it serves the name. When it has ended, the next who asks starts it
   * again, after a second at the earliest. If the program cannot be started, that is
   * an event `failed`, and tried again when somebody asks. A second declaration of a
   * name replaces its program. Declarations do not keep this process alive.
   *
   * @param command the program, as for {@link spawn}
   * @throws {BridgeError} `bad_argument` for an impossible name, `native_failure` if
   * there are too many
   */
  declare(
    name: string,
    command: string | URL,
    options: Deno.CommandOptions = {},
  ): void {
    const bytes = encoder.encode(name);
    this.#native.checked(
      this.#native.symbols.slb_bootstrap_declare(
        this.#usable("declare in"),
        bytes,
        bytes.length,
        1,
      ),
    );
    this.#servers.set(name, () => this.spawn(command, options));
  }

  /** Starts the server of a declared name, which somebody has asked for. */
  async #start(name: string): Promise<void> {
    const start = this.#servers.get(name);
    if (start === undefined || this.#disposed.signal.aborted) return;
    const { clock } = this.#native;
    const begun = clock.now();
    try {
      const child = start();
      this.#failures.delete(name);
      await child.status;
    } catch (error) {
      const reason = describeError(error);
      this.#failures.set(name, reason);
      this.#events.add({ type: "failed", name, reason });
    }
    const rest = Math.max(0, begun + RESTART_MS - clock.now());
    await pause(clock, rest, this.#disposed.signal);
    if (this.#disposed.signal.aborted) return;
    const bytes = encoder.encode(name);
    this.#native.symbols.slb_bootstrap_ended(
      this.#handle,
      bytes,
      bytes.length,
    );
  }

  /**
   * What happens in this bootstrap, from now on: names that are served and that are
   * not any more, programs that {@link spawn} has started and that have ended, and
   * declared ones that could not be started. It ends with the bootstrap.
   */
  events(): AsyncIterableIterator<BootstrapEvent> {
    return this.#events.iterate();
  }

  /** The handle. Throws `closed`. */
  #usable(what: string): BootstrapHandle {
    if (!this.#disposed.signal.aborted) return this.#handle;
    throw new BridgeError("closed", `Cannot ${what} this bootstrap: closed`);
  }

  /**
   * Ends it: its children and their names do not find each other any more. What is
   * connected goes on. Another call has no further effect.
   */
  [Symbol.dispose](): void {
    if (this.#disposed.signal.aborted) return;
    this.#disposed.abort();
    this.#events[Symbol.dispose]();
    this.#native.symbols.slb_release(this.#handle);
    this.#native[Symbol.dispose]();
  }
}

const CALLED_OFF = "the wait was called off";
const UNSERVED = "nobody has served it in time";

function notConnected(
  name: string,
  code: "aborted" | "timed_out",
  why: string,
  cause?: unknown,
): BridgeError {
  return new BridgeError(code, `Cannot connect to '${name}': ${why}`, {
    cause,
  });
}
