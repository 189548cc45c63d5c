/**
 * Sends the probe's frames, receives them back, and compares them byte by byte.
 *
 * @module
 */

import type { ReactiveHost } from "../../../host/mod.ts";
import { transferStats } from "../../../host/mod.ts";
import type { PROBE_PORT } from "./probe_frame.ts";
import type { StepFacts } from "./steps.ts";

/** The probe's host. */
export type ProbeHost = ReactiveHost<
  { video: typeof PROBE_PORT },
  { video: typeof PROBE_PORT }
>;

const FRAMES = 30;
const WIDTH = 320;
const HEIGHT = 180;

/** The byte at index `at` of a frame. It differs between frames and between rows. */
function byteAt(number: number, at: number): number {
  return (at * 31 + (at >> 8) + number * 17) & 0xff;
}

/** Sends frames to the child and back, one at a time. Ends early if the host ends. */
export async function exchange(host: ProbeHost): Promise<StepFacts["frames"]> {
  const results = host.output.video[Symbol.asyncIterator]();
  const before = transferStats().copied_bytes;
  const times: number[] = [];
  let sent = 0, received = 0, verified = 0, clientCopied = 0n;
  let firstCopied: bigint | undefined;
  for (; sent < FRAMES; sent++) {
    await host.input.video.ready;
    const begun = performance.now();
    send(host, sent);
    const next = await results.next();
    if (next.done) break;
    times.push(performance.now() - begun);
    using frame = next.value;
    received++;
    // What the client copied before the first frame belongs to the handshake.
    firstCopied ??= frame.client_copied_bytes;
    clientCopied = frame.client_copied_bytes - firstCopied;
    const { pixels } = frame.picture;
    if (pixels.every((byte, at) => byte === 255 - byteAt(sent, at))) verified++;
  }
  const copied = transferStats().copied_bytes - before + Number(clientCopied);
  return {
    sent,
    received,
    verified,
    pixel_bytes_copied: copied,
    path: host.stats.path!, // the host is ready
    round_trip_ms: Number(
      (times.sort((a, b) => a - b)[times.length >> 1] ?? 0).toFixed(2),
    ),
  };
}

function send(host: ProbeHost, number: number): void {
  using frame = host.input.video.acquire({
    picture: { width: WIDTH, height: HEIGHT, pixel_format: "rgba8" },
    number,
    client_copied_bytes: 0n,
  });
  const { pixels } = frame.picture;
  for (let at = 0; at < pixels.length; at++) pixels[at] = byteAt(number, at);
  host.input.video.send(frame);
}
