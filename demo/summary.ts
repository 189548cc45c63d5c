/**
 * The result of a demo, as an object and as a table.
 *
 * @module
 */

import type { TransportPath } from "../host/mod.ts";
import { plainText } from "./input/quoted.ts";
import { closingTable } from "./progress.ts";

/** The object that `--json` prints. */
export interface Summary {
  input: string;
  size: string;
  frames_sent: number;
  frames_received: number;
  frames_verified: number;
  frames_recomputed: number;
  frames_dropped: number;
  fps: number;
  handshake_ms: number;
  handshake_without_process_start_ms: number;
  latency_us: { p50: number; p99: number };
  pixel_bytes_copied_per_frame: number;
  message_bytes_per_frame: number;
  /** What carried the frames. */
  path: TransportPath;
  pids: { host: number; client: number };
  /** What has run the processor. */
  client: "deno" | "python";
  broker: { service: string; embedded: boolean };
}

/** What carries frames, in words. */
const PATHS: Readonly<Record<TransportPath, string>> = {
  lane: "a lane: memory that both processes share",
  dictionary: "dictionaries: one message for each frame",
};

/** Formats `value` with that number of decimals. */
export function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

/** Formats the summary as a table, in whole lines. */
export function table(summary: Summary): string {
  const { latency_us: { p50, p99 }, pids, broker } = summary;
  return closingTable([
    ["input", `${plainText(summary.input)}, ${summary.size}`],
    [
      "frames",
      `${summary.frames_sent} sent, ${summary.frames_received} received, ${summary.frames_dropped} dropped`,
    ],
    [
      "verified",
      `${summary.frames_verified} by checksum, ${summary.frames_recomputed} of them computed again`,
    ],
    ["speed", `${summary.fps} frames/s`],
    [
      "handshake",
      `${summary.handshake_ms} ms, ${summary.handshake_without_process_start_ms} ms without the process's start`,
    ],
    [
      "latency",
      `p50 ${(p50 / 1000).toFixed(2)} ms, p99 ${
        (p99 / 1000).toFixed(2)
      } ms, there and back with the work`,
    ],
    ["pixels copied", `${summary.pixel_bytes_copied_per_frame} bytes a frame`],
    ["path", PATHS[summary.path]],
    ["messages", `${summary.message_bytes_per_frame} bytes a frame`],
    [
      "processes",
      `host ${pids.host}, client ${pids.client}${
        summary.client === "python" ? " (Python)" : ""
      }`,
    ],
    [
      "broker",
      broker.embedded ? "embedded in the host" : broker.service,
    ],
  ]);
}
