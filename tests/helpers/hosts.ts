/**
 * Hosts for tests.
 */

import {
  type HostOptions,
  type OutgoingFrame,
  type ProcessorHost,
  ReactiveHost,
  type VideoFrame,
} from "../../host/mod.ts";
import { EVERY_FRAME } from "../fixtures/ports.ts";
import type { TICKS } from "../fixtures/tick_port.ts";
import { TEST_PATH } from "./lane/lane_handshake.ts";
import { testClient } from "./client_module.ts";
import { soon } from "./soon.ts";

/** One video input and one video output. */
export type VideoPorts = { video: typeof EVERY_FRAME };

/** A host of a fixture, with one video port in and one out. `output` collects what the client writes. */
export function launchFixture(
  name: string,
  options: Partial<HostOptions<VideoPorts, VideoPorts>> = {},
): ReactiveHost<VideoPorts, VideoPorts> {
  return ReactiveHost.launch({
    ...testClient(name),
    inputs: { video: EVERY_FRAME },
    outputs: { video: EVERY_FRAME },
    output: () => {},
    path: TEST_PATH,
    ...options,
  });
}

/** A frame to fill. Its size is no multiple of an alignment. */
export function acquireFrame(
  host: ReactiveHost<VideoPorts, VideoPorts>,
  number: number,
  width = 67,
  height = 13,
): OutgoingFrame<typeof VideoFrame> {
  return host.input.video.acquire({
    pixel_buffer: { width, height, pixel_format: "rgba8" },
    pixel_format: "rgba8",
    width,
    height,
    timestamp_ns: BigInt(number) * 1_000_000n,
    frame_number: BigInt(number),
  });
}

/** One port of ticks in, one out. */
export type TickPorts = { ticks: typeof TICKS };

/** Sends a tick of this name when there is room for it. Fails if it is not sent. */
export async function sendTick(
  { input: { ticks } }: Pick<ProcessorHost<TickPorts, TickPorts>, "input">,
  schema_name: string,
): Promise<void> {
  await soon(ticks.ready, "room for a tick");
  using tick = ticks.acquire({
    data: new Uint8Array(1),
    schema_name,
    timestamp_ns: 0n,
  });
  if (!ticks.send(tick)) throw new Error(`'${schema_name}' was not sent`);
}
