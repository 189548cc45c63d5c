/**
 * Sends frames and receives results: the part of the demo that your own program
 * would have too.
 *
 * @module
 */

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ReactiveHost, type ReceivedFrame } from "../host/mod.ts";
import { pythonFolder } from "../host/spawn/python/python_folder.ts";
import { packageModule } from "../proto/package_root.ts";
import { RgbaPictures } from "./filter/rgba_pictures.ts";
import { checksum, planesOf } from "./verify/checksum.ts";
import { DEMO_PORT, type DemoFrame } from "./demo_frame.ts";
import type { DemoOptions } from "./options.ts";
import { Pacer, sleep } from "./pacer.ts";
import type { PictureTap } from "./preview/picture_tap.ts";
import type { FrameSource } from "./input/source.ts";
import type { Verifier } from "./verify/verifier.ts";

/** The host computes the whole result of every 60th frame again. */
const RECOMPUTE_EVERY = 60;

/** The demo's host. */
export type DemoHost = ReactiveHost<
  { video: typeof DEMO_PORT },
  { video: typeof DEMO_PORT }
>;

/** Starts the edge detector: in TypeScript or, if `python` is given, in Python. Uses the broker of that service name if one is given. */
export async function launch(
  { broker, python }: Pick<DemoOptions, "broker" | "python">,
): Promise<DemoHost> {
  return ReactiveHost.launch({
    module: python === undefined
      ? packageModule("demo/filter/edges", () => import("./filter/edges.ts"))
      : pathToFileURL(
        join(await pythonFolder("demo/python"), "edges.py"),
      ),
    inputs: { video: DEMO_PORT },
    outputs: { video: DEMO_PORT },
    ...(broker !== undefined && { broker }),
    ...(python && { python }),
  });
}

/** The options of {@link sendAll}. */
export interface SendOptions {
  /** The largest number of frames to send. */
  readonly limit: number;
  /** Whether to send at the source's frame rate; else as fast as results come back. */
  readonly paced: boolean;
  /** Ends the sending when it aborts. */
  readonly stop: AbortSignal;
  readonly verifier: Verifier;
  /** Gets every frame that is sent. */
  readonly pictures: PictureTap | undefined;
}

/** Sends frames until the source ends, the limit is reached or `stop` aborts. Returns the number of frames sent. */
export async function sendAll(
  host: DemoHost,
  source: FrameSource,
  { limit, paced, stop, verifier, pictures }: SendOptions,
): Promise<number> {
  const port = host.input.video;
  const { width, height, frameRate, pixel_format, color } = source;
  const rgba = new RgbaPictures();
  const pacer = paced ? new Pacer(frameRate) : undefined;
  for (let sent = 0; sent < limit; sent++) {
    await port.ready;
    if (pacer) await sleep(pacer.wait(performance.now()), stop);
    if (stop.aborted) return sent;
    using frame = port.acquire({
      pixel_buffer: { width, height, pixel_format },
      color,
      timestamp_ns: BigInt(Math.round(sent * 1e9 / frameRate)),
      frame_number: BigInt(sent),
      input_checksum: 0,
      output_checksum: 0,
      client_copied_bytes: 0n,
    });
    const surface = frame.pixel_buffer;
    try {
      if (!await source.next(surface)) return sent;
    } catch (error) {
      if (stop.aborted) return sent; // it stopped the wait for the input
      throw error;
    }
    frame.input_checksum = checksum(planesOf(surface));
    if (pictures?.isWanted) {
      const pixel_buffer = rgba.of(surface, color);
      pictures.sending({ frame_number: frame.frame_number, pixel_buffer });
    }
    verifier.sending(frame, sent % RECOMPUTE_EVERY === 0);
    port.send(frame);
  }
  return limit;
}

/** Counters of the results, beside those of the verifier. */
export class Results {
  /** The number of results. */
  received = 0;
  /** Payload bytes that the client has copied since the first result. */
  clientCopied = 0;
  #firstCopied: bigint | undefined;

  /** Adds a result. */
  add(frame: { readonly client_copied_bytes: bigint }): void {
    this.received++;
    this.#firstCopied ??= frame.client_copied_bytes;
    this.clientCopied = Number(frame.client_copied_bytes - this.#firstCopied);
  }
}

/**
 * Receives results until there are as many as frames sent.
 *
 * @param sending resolves with the number of frames sent
 * @param onFrame called with each result, which is valid during the call
 * @param onLast called with the last result, which is valid during the call
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
