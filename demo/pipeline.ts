/**
 * Frames in, results out: the part of the demo that a program of your own
 * would have too.
 *
 * @module
 */

import { ReactiveHost, type ReceivedFrame } from "../host/mod.ts";
import { checksum } from "./verify/checksum.ts";
import { DEMO_PORT, type DemoFrame } from "./demo_frame.ts";
import { Pacer, sleep } from "./pacer.ts";
import type { PictureTap } from "./preview/picture_tap.ts";
import type { FrameSource } from "./input/source.ts";
import type { Verifier } from "./verify/verifier.ts";

/** Every so many frames the whole result is computed again in the host. */
const RECOMPUTE_EVERY = 60;

/** The demo's host: pictures in, pictures out. */
export type DemoHost = ReactiveHost<
  { video: typeof DEMO_PORT },
  { video: typeof DEMO_PORT }
>;

/** Starts the processor that finds edges, with the broker of that service name if one is given. */
export function launch(broker: string | undefined): DemoHost {
  return ReactiveHost.launch({
    module: new URL("./filter/edges.ts", import.meta.url),
    inputs: { video: DEMO_PORT },
    outputs: { video: DEMO_PORT },
    ...(broker !== undefined && { broker }),
  });
}

/** How frames are sent. */
export interface SendOptions {
  /** How many at the most. */
  readonly limit: number;
  /** Whether at the source's own speed; else as fast as they come back. */
  readonly paced: boolean;
  /** No more frames once it aborts. */
  readonly stop: AbortSignal;
  readonly verifier: Verifier;
  /** Sees every frame that goes in. */
  readonly pictures: PictureTap | undefined;
}

/** Sends frames until the source, the limit or `stop` ends it. Returns how many. */
export async function sendAll(
  host: DemoHost,
  source: FrameSource,
  { limit, paced, stop, verifier, pictures }: SendOptions,
): Promise<number> {
  const port = host.input.video;
  const { width, height, frameRate } = source;
  const pacer = paced ? new Pacer(frameRate) : undefined;
  for (let sent = 0; sent < limit; sent++) {
    await port.ready;
    if (pacer) await sleep(pacer.wait(performance.now()), stop);
    if (stop.aborted) return sent;
    using frame = port.acquire({
      pixel_buffer: { width, height, pixel_format: "rgba8" },
      pixel_format: "rgba8",
      width,
      height,
      timestamp_ns: BigInt(Math.round(sent * 1e9 / frameRate)),
      frame_number: BigInt(sent),
      input_checksum: 0,
      output_checksum: 0,
      client_copied_bytes: 0n,
    });
    const surface = frame.pixel_buffer;
    if (!await source.next(surface.pixels, surface.bytes_per_row)) return sent;
    frame.input_checksum = checksum(surface);
    pictures?.sending(frame);
    verifier.sending(frame, sent % RECOMPUTE_EVERY === 0);
    port.send(frame);
  }
  return limit;
}

/** What came back, beside what the verifier knows. */
export class Results {
  /** How many frames. */
  received = 0;
  /** Payload bytes that the client copied while it worked. */
  clientCopied = 0;
  #firstCopied: bigint | undefined;

  /** One more. */
  add(frame: { readonly client_copied_bytes: bigint }): void {
    this.received++;
    this.#firstCopied ??= frame.client_copied_bytes;
    this.clientCopied = Number(frame.client_copied_bytes - this.#firstCopied);
  }
}

/**
 * Takes results until as many have come as were sent.
 *
 * @param sending resolves with how many were sent
 * @param onFrame called with each, which is lent for the call
 * @param onLast called with the last, likewise
 */
export async function receiveAll(
  host: DemoHost,
  sending: Promise<number>,
  results: Results,
  onFrame: (
    frame: ReceivedFrame<typeof DemoFrame>,
    sent: number | undefined,
  ) => void,
  onLast: (frame: ReceivedFrame<typeof DemoFrame>) => void,
): Promise<void> {
  const frames = host.output.video[Symbol.asyncIterator]();
  const complete = Promise.withResolvers<undefined>();
  let sent: number | undefined;
  let held: ReceivedFrame<typeof DemoFrame> | undefined;
  sending.then((count) => {
    sent = count;
    if (results.received >= count) complete.resolve(undefined);
  }, complete.reject);
  try {
    while (sent === undefined || results.received < sent) {
      const next = await Promise.race([frames.next(), complete.promise]);
      if (!next || next.done) break;
      // Held until the next one comes: nobody knows yet which is the last.
      held?.[Symbol.dispose]();
      held = next.value;
      results.add(held);
      onFrame(held, sent);
    }
    if (held) onLast(held);
  } finally {
    held?.[Symbol.dispose]();
  }
}
