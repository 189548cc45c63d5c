/**
 * A kind of client: what runs its module, Deno or Python. There is one file for
 * each. The process itself, its environment, output and end are the same for all:
 * `spawn.ts`.
 *
 * @module
 */

import type { Bootstrap } from "../../ffi/bootstrap.ts";
import type { ClientPermissions } from "./client_arguments.ts";

/** The options of a client's process. */
export interface SpawnOptions {
  /** The processor's module. */
  readonly module: URL;
  /** The client's name in what it writes; see `clientName`. */
  readonly name: string;
  /** The module that runs it in Deno: `client/runner.ts`. */
  readonly runner: URL;
  /** The module whose `GrpcClient` carries the control calls of a client in Deno; `undefined` if XPC does. */
  readonly grpcClient: URL | undefined;
  /** `undefined` if the user gave none. */
  readonly permissions: ClientPermissions | undefined;
  /** Whether the kernel enforces the client's permissions, also where Deno does not. A client in Python with permissions is always confined. */
  readonly confine?: boolean | undefined;
  /** The most private memory of a confined client, in bytes; `undefined` for no limit. */
  readonly memoryLimit?: number | undefined;
  /** Environment variables of the user. The client may read them. */
  readonly userEnv: Readonly<Record<string, string>>;
  /** The Deno executable, a path or a name in PATH; `undefined` for the one of this process. */
  readonly deno: string | undefined;
  /** The `deno.json` that resolves the module's imports; `undefined` for the one that Deno finds. */
  readonly config: string | URL | undefined;
  /** Whether a debugger can connect, or where. */
  readonly inspect?: boolean | string | undefined;
  /** The Python interpreter, a path or a name in PATH, or "uv"; `undefined` for the one that is found. */
  readonly python?: string | undefined;
  /** Called with what the client writes to stdout and stderr. */
  output(chunk: Uint8Array): void;
}

/** What a kind is told of the process that launches the host. It stays the same for all clients of the host. */
export interface LaunchPlace {
  /** The working directory, of which relative paths are; `undefined` if this process may not read it. */
  readonly folder: string | undefined;
  /** Returns the value of an environment variable as a client has it, or would have it. */
  variable(name: string): string | undefined;
}

/** The command line of one client. */
export interface ClientLine {
  readonly program: string;
  readonly args: readonly string[];
  /** Environment variables that this client has besides those of every client. */
  readonly env: Readonly<Record<string, string>>;
  /** Disposed when the client has ended. */
  readonly held?: Disposable;
}

/** What one kind of client knows, for the clients of one host. */
export interface ClientKind {
  /**
   * Finds or makes what the next client needs, if that takes more than a moment. It
   * is called before each client. `signal` aborts when no client is wanted any more.
   *
   * @throws {BridgeError} which says what is missing
   */
  readonly prepare?: (signal: AbortSignal) => Promise<void>;
  /**
   * Returns the command line of the next client.
   *
   * @param bridgeEnv the variables that name its connection
   * @param bootstrap the one with the broker's name, if there is one
   */
  command(
    bridgeEnv: Readonly<Record<string, string>>,
    bootstrap?: Bootstrap,
  ): ClientLine;
  /** What to do if the program could not be started, as the end of a sentence. */
  adviceFor(program: string, cause: unknown): string;
  /** What is to be said with an error that the client has reported or written, after a line feed; "" if nothing. */
  explain(text: string): string;
}
