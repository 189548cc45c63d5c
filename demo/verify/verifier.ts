/**
 * Verifies the frames that come back.
 *
 * @module
 */

import type { ReceivedFrame, Surface, VideoFrame } from "../../host/mod.ts";
import { checksum, planesOf } from "./checksum.ts";
import type { DemoFrame } from "../demo_frame.ts";
import { EdgeDetector } from "../filter/edge_detector.ts";
import { RgbaPictures } from "../filter/rgba_pictures.ts";
import { Recent } from "../recent.ts";

/** A preview may run for days, so the number of latencies that are kept is limited. */
const MAX_LATENCIES = 100_000;
const MAX_PROBLEMS = 5;

interface Expected {
  readonly checksum: number;
  readonly sentAt: number;
  readonly timestamp: bigint;
  /** A copy of the picture as RGBA, if the result is computed again here; else `undefined`. */
  readonly pixels: Uint8Array | undefined;
  readonly bytesPerRow: number;
}

/** A frame that is sent. */
export interface SentFrame {
  readonly frame_number: bigint;
  readonly timestamp_ns: bigint;
  readonly input_checksum: number;
  readonly pixel_buffer: Surface;
  readonly color: VideoFrame["color"];
}

/** Keeps a record of each frame sent, and checks each result against it. */
export class Verifier {
  readonly #expected = new Map<bigint, Expected>();
  readonly #now: () => number;
  readonly #pictures = new RgbaPictures();
  /** Microseconds from send to result, of the newest frames. */
  readonly latencies: Recent = new Recent(MAX_LATENCIES);
  /** Frames that passed every check. */
  verified = 0;
  /** The verified frames whose whole result was also computed again here and compared. */
  recomputed = 0;
  /** The first few problems, with their frame's number. */
  readonly problems: string[] = [];

  /** @param now a clock in milliseconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Records a frame before it is sent. With `recompute`, its pixels are kept to compute the result again. */
  sending(frame: SentFrame, recompute: boolean): void {
    const picture = recompute
      ? this.#pictures.of(frame.pixel_buffer, frame.color)
      : undefined;
    this.#expected.set(frame.frame_number, {
      checksum: frame.input_checksum,
      sentAt: this.#now(),
      timestamp: frame.timestamp_ns,
      pixels: picture?.pixels.slice(),
      bytesPerRow: picture?.bytes_per_row ?? 0,
    });
  }

  /** Checks a frame that came back. */
  received(frame: ReceivedFrame<typeof DemoFrame>): void {
    const arrived = this.#now();
    const expected = this.#expected.get(frame.frame_number);
    if (!expected) {
      this.#problem(frame, "was never sent");
      return;
    }
    this.#expected.delete(frame.frame_number);
    this.latencies.add((arrived - expected.sentAt) * 1000);
    const problem = this.#check(frame, expected);
    if (problem) {
      this.#problem(frame, problem);
    } else {
      this.verified++;
    }
  }

  #problem(frame: ReceivedFrame<typeof DemoFrame>, text: string): void {
    if (this.problems.length >= MAX_PROBLEMS) return;
    this.problems.push(`frame ${frame.frame_number}: ${text}`);
  }

  #check(
    frame: ReceivedFrame<typeof DemoFrame>,
    expected: Expected,
  ): string | undefined {
    if (frame.timestamp_ns !== expected.timestamp) {
      return "its timestamp changed";
    }
    if (frame.input_checksum !== expected.checksum) {
      return "the client saw other pixels than the host had written";
    }
    const surface = frame.pixel_buffer;
    const actual = checksum(planesOf(surface));
    if (actual !== frame.output_checksum) {
      return "the host sees other pixels than the client had written";
    }
    if (actual === expected.checksum) return "the client changed nothing";
    if (!expected.pixels) return undefined;
    const { width, height } = surface;
    const again = new Uint8Array(width * height * 4);
    new EdgeDetector(width, height).detect(
      expected.pixels,
      expected.bytesPerRow,
      again,
      width * 4,
    );
    if (checksum([[again]]) !== actual) {
      return "the client's result is not what the same filter gives here";
    }
    this.recomputed++;
    return undefined;
  }
}

/** Returns the value below which the given share (0 to 1) of the numbers lies; 0 if there are no numbers. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const index = Math.min(sorted.length - 1, Math.floor(sorted.length * share));
  return sorted[index] ?? 0;
}
