/**
 * The main program of the client's process: connects to its host, loads the
 * user's module, and runs its processor until the end. The host starts Deno with
 * this main module:
 *
 * ```ts ignore
 * import { runClient } from "…/client/runner.ts";
 * await runClient(() => import("file:///…/blur.ts"));
 * ```
 *
 * @module
 */

import { permittedEnvironment } from "../ffi/environment.ts";
import { surviveFileSizeLimit } from "../ffi/file_size_limit.ts";
import type { Message } from "../ffi/message.ts";
import { Native } from "../ffi/native.ts";
import { writeStderr } from "../ffi/stderr.ts";
import type { ConnectionSchema } from "../proto/schema/connection_schema.ts";
import type { OpenControl } from "../proto/wire/control.ts";
import { clientLineStart } from "../proto/wire/keys.ts";
import { readVariable } from "../proto/environment.ts";
import { BridgeError, codeOf, failureReason } from "../proto/errors.ts";
import { ClientBridge } from "./bridge.ts";
import type { ClientIdentity, ClientSurroundings } from "./client_session.ts";
import { ProcessorInbox } from "./loops.ts";
import { isOurEnd, runOnChannel } from "./on_channel.ts";
import { isProcessor, type Processor } from "./processor.ts";

/** The options that a host gives its client. */
export interface RunnerOptions {
  /** Whether a host reads this process's output. When the host's process has ended, however it ended, this one ends too: at once while it starts, later after the time that an orderly end takes. */
  readonly followsHost?: boolean;
  /** Opens the control API over gRPC, if the host uses it. */
  readonly openGrpc?: OpenControl;
  /** The copy of the lock file that this process was started with. It is removed if the host ends first. */
  readonly lock?: string | undefined;
  /** The client's name in what it writes to stderr: its host's program may have many clients. */
  readonly name?: string | undefined;
  /** Takes warnings and the reason of a failure. Default: writes them to stderr. */
  readonly say?: (text: string) => void;
  /** Opens the shim. A test passes a shim that fails on purpose. */
  readonly openNative?: () => Native;
}

/** How long this process may outlive its host before it loads the user's module: what it takes to write why. */
const START_GRACE_MS = 300;
/** How long it may do so afterwards: more than an orderly end takes. */
const FOLLOW_GRACE_MS = 3_000;
const NO_PATH = new Uint8Array(0);

/**
 * Runs a processor until the host ends it, then exits: with code 0, or with code
 * 1 after a failure, which is also reported to the host and written to stderr. A
 * failure that the host has reported itself is not repeated.
 *
 * @param load imports the user's module; called when the channel works
 */
export async function runClient(
  load: () => Promise<unknown>,
  options: RunnerOptions = {},
): Promise<never> {
  let code: number;
  // Ctrl-C goes to every process of a terminal. The client ends when its host
  // tells it to or is gone, so that the host still gets the frames under way.
  Deno.addSignalListener("SIGINT", () => {});
  surviveFileSizeLimit(); // an error of the processor reaches the host, a signal would not say where
  try {
    code = await runProcessor(load, options);
  } catch (error) {
    code = 1;
    const named = codeOf(error) ?? "client_failed";
    sayer(options)(`${named}: ${failureReason(error)}`);
  }
  Deno.exit(code);
}

/** Returns what takes warnings and the reason of a failure. */
function sayer({ name, say }: RunnerOptions): (text: string) => void {
  const start = clientLineStart(name);
  return say ??
    ((text) => writeStderr(new TextEncoder().encode(`${start}${text}\n`)));
}

function readIdentity(): ClientIdentity {
  const env = permittedEnvironment();
  const connection_id = readVariable(env, "STREAMLIB_CONNECTION_ID");
  const token = readVariable(env, "STREAMLIB_CONNECTION_TOKEN") ?? "";
  const service = readVariable(env, "STREAMLIB_BROKER_XPC_SERVICE");
  if (connection_id === undefined || service === undefined) {
    throw new BridgeError(
      "bad_argument",
      "Cannot run a client by itself: STREAMLIB_CONNECTION_ID and " +
        "STREAMLIB_BROKER_XPC_SERVICE are not set; a host starts its client",
    );
  }
  // The processor's own code must not see the token.
  if (token !== "") Deno.env.delete("STREAMLIB_CONNECTION_TOKEN");
  return { connection_id, token, service };
}

/** Returns what a bridge needs of this process. Throws what `Native.open` throws, and `channel_lost` if the host is gone already. */
function surroundings(options: RunnerOptions): ClientSurroundings {
  const {
    followsHost,
    lock = "",
    openGrpc,
    openNative = () => Native.open(true),
  } = options;
  const say = sayer(options);
  const address = readVariable(
    permittedEnvironment(),
    "STREAMLIB_BROKER_ENDPOINT",
  );
  const native = openNative();
  if (followsHost) {
    const path = new TextEncoder().encode(lock);
    const { slb_process_follow: follow } = native.symbols;
    const result = follow(START_GRACE_MS, path, path.length);
    if (result < 0) say(native.lastError());
  }
  const isOrphan = (): boolean => native.symbols.slb_process_is_orphan() === 1;
  if (isOrphan()) {
    throw new BridgeError(
      "channel_lost",
      "The host's process had ended before its client started",
    );
  }
  return {
    native,
    isOrphan,
    warn: say,
    ...(openGrpc && address !== undefined &&
      { openControl: () => openGrpc(address) }),
  };
}

/** Returns the exit code. Throws the failure, unless the host tells of it. */
async function runProcessor(
  load: () => Promise<unknown>,
  options: RunnerOptions,
): Promise<number> {
  const ended = Promise.withResolvers<BridgeError | undefined>();
  const loading = Promise.withResolvers<ConnectionSchema | undefined>();
  const abort = new AbortController();
  const control = new ProcessorInbox();
  let request = (_type: string, _message: Message): void => {};
  const identity = readIdentity();
  const around = surroundings(options);
  await using bridge = new ClientBridge(identity, around, {
    load: (schema) => loading.resolve(schema),
    arrived: () => control.arrived(),
    portEnded: () => control.portEnded(),
    command: (command) => {
      const { stalls } = bridge.channel;
      if (command === "pause" || command === "resume") {
        stalls.setResting("paused", command === "pause");
      } else stalls.setResting("stopped", command === "stop");
      control.command(command);
    },
    request: (type, message) => request(type, message),
    ended: (failure) => {
      abort.abort();
      ended.resolve(failure);
      loading.resolve(undefined);
      control.activity.changed();
    },
  });
  const outcome = async (): Promise<number> => {
    const failure = await ended.promise;
    if (bridge.isHostsFailure) return 1;
    if (failure) throw failure;
    return 0;
  };
  const schema = await loading.promise;
  if (schema === undefined) return await outcome();
  if (options.followsHost) {
    around.native.symbols.slb_process_follow(FOLLOW_GRACE_MS, NO_PATH, 0);
  }
  // Disposed at the end: an error of teardown does not replace an earlier error.
  await using held = new AsyncDisposableStack();
  try {
    const processor = takeProcessor(await load());
    await runOnChannel(processor, {
      channel: bridge.channel,
      hosts: schema,
      ping: bridge.ping,
      signal: abort.signal,
      inbox: control,
      heard: (receive) => request = receive,
      started: (message) => bridge.started(processor.mode, message),
      flushed: () => bridge.flushed(),
    }, held);
  } catch (error) {
    if (!isOurEnd(error, abort.signal)) {
      bridge.failed(error);
      throw error;
    }
  }
  return await outcome();
}

/** Returns the processor that a module exports. Throws `client_failed` if it exports none. */
function takeProcessor(module: unknown): Processor {
  const exported = (module as { default?: unknown } | undefined)?.default;
  if (isProcessor(exported)) return exported;
  throw new BridgeError(
    "client_failed",
    "The module's default export is not a processor: write " +
      "`export default reactive({…})`, or `manual` or `continuous`, of this same package",
  );
}
