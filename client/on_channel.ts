/**
 * Runs a processor on a channel: agrees with the host on its ports, then calls its
 * functions, each at its time, until the end.
 *
 * @module
 */

import type { Channel } from "../channel/channel.ts";
import { systemClock } from "../ffi/clock.ts";
import { BridgeError } from "../proto/errors.ts";
import type { ConnectionSchema } from "../proto/schema/connection_schema.ts";
import type { PortMap } from "../proto/schema/port.ts";
import type { XpcDictionary } from "../proto/wire/xpc_value.ts";
import { agreeWithHost } from "./agreement.ts";
import type { Message } from "../ffi/message.ts";
import { HostRequests, type RequestHandler } from "./host_requests.ts";
import type { AnyContext } from "./context.ts";
import { DoingNote } from "./doing.ts";
import { type ProcessorInbox, runLoop } from "./loops.ts";
import type { Processor } from "./processor.ts";

/** The time limit of a processor's `teardown`. */
const TEARDOWN_MS = 1_500;

/** What a processor runs on. */
export interface ProcessorLink {
  /** The client's side of the channel. */
  readonly channel: Channel<PortMap, PortMap>;
  /** The host's ports. */
  readonly hosts: ConnectionSchema;
  /** The host's message, which may say more of its ports. */
  readonly ping: XpcDictionary;
  /** Aborts when the processor must end. */
  readonly signal: AbortSignal;
  /** Gets the host's commands and the arrivals of frames. */
  readonly inbox: ProcessorInbox;
  /** From now on `receive` gets the host's messages about settings and calls. */
  heard(receive: (type: string, message: Message) => void): void;
  /** Called after `setup`, with what the message `started` says of the ports: frames can flow. */
  started(ports: XpcDictionary): void;
  /** Called when the inputs have ended, `flush` has returned and the outputs have ended. */
  flushed(): void;
}

/**
 * Runs a processor until the link's signal aborts. Throws its errors, and
 * `schema_mismatch` if its ports do not go with the host's.
 *
 * @param held its `teardown` is called when this is disposed
 */
export async function runOnChannel(
  processor: Processor,
  { channel, hosts, ping, signal, inbox, heard, started, flushed }:
    ProcessorLink,
  held: AsyncDisposableStack,
): Promise<void> {
  const { input, output, message } = agreeWithHost(
    channel,
    hosts,
    processor.schema,
    ping,
  );
  const note = new DoingNote(channel.status);
  const { definition } = processor;
  const callNames = Object.keys(processor.declared.calls);
  const handler: RequestHandler = {
    settingsChanged: (changed) =>
      note.during(
        "settingsChanged",
        () => definition.settingsChanged?.(context, changed),
      ),
    call: (name, request, cancelled) =>
      note.duringCall(
        callNames.indexOf(name),
        () =>
          definition.calls![name]!().answer(request, {
            ...context,
            signal: AbortSignal.any([signal, cancelled]),
          }),
      ),
  };
  const requests = new HostRequests(
    processor.declared,
    channel,
    inbox.requests,
    handler,
  );
  const { values: settings } = requests.settings;
  const context: AnyContext = { input, output, settings, signal };
  if (channel.features.has("requests")) {
    heard((type, message) => requests.receive(type, message));
    await requests.declare(signal);
    if (signal.aborted) return;
  }
  held.defer(() => tearDown(processor, context));
  await note.during("setup", () => definition.setup?.(context));
  started(message);
  await runLoop(processor, context, channel, inbox, note, flushed);
}

/** Whether an error says only that the host has closed the channel while the processor was running. */
export function isOurEnd(error: unknown, signal: AbortSignal): boolean {
  return signal.aborted && error instanceof BridgeError &&
    error.code === "closed";
}

async function tearDown(
  processor: Processor,
  context: AnyContext,
): Promise<void> {
  if (!processor.definition.teardown) return;
  const late = Promise.withResolvers<void>();
  const timer = systemClock.after(TEARDOWN_MS, () => {
    late.reject(
      new BridgeError(
        "timed_out",
        `The processor's teardown took over ${TEARDOWN_MS} ms`,
      ),
    );
  });
  try {
    await Promise.race([processor.definition.teardown(context), late.promise]);
  } finally {
    timer.cancel();
  }
}
