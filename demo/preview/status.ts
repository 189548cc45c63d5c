/**
 * What the preview tells about a connection and the frames that go over it.
 *
 * @module
 */

import {
  type ClientState,
  type DerivedState,
  type GetConnectionInfoResponse,
  type HandshakeTimes,
  type HostState,
  WAITING_FOR,
} from "../../host/mod.ts";

/** One step on the way to the first frame. */
export interface StepStatus {
  /** Whose doing it is. */
  readonly side: "host" | "client";
  /** What was done, in words. */
  readonly done: string;
  /** When, in milliseconds since the launch; `null` until then. */
  readonly at_ms: number | null;
}

/** What the page shows: one event of the stream, as JSON. */
export interface PreviewStatus {
  /** How the demo itself is doing. */
  readonly demo: "running" | "ended" | "failed";
  /** Why the connection is not ready, or why it is over; "" while it is ready. */
  readonly why: string;
  readonly derived_state: DerivedState;
  readonly host_state: HostState;
  readonly client_state: ClientState;
  /** Milliseconds since the launch. */
  readonly age_ms: number;
  readonly steps: readonly StepStatus[];
  readonly input: string;
  readonly size: string;
  readonly frames_sent: number;
  readonly frames_received: number;
  readonly frames_verified: number;
  readonly frames_dropped: number;
  /** Frames a second of late, and how many the source has. */
  readonly fps: number;
  readonly source_fps: number;
  readonly handshake_ms: number | null;
  readonly handshake_without_process_start_ms: number | null;
  /** Of late; `null` before the first frame. */
  readonly latency_us: { readonly p50: number; readonly p99: number } | null;
  readonly pixel_bytes_copied_per_frame: number;
  readonly pids: { readonly host: number; readonly client: number };
  readonly broker: { readonly service: string; readonly embedded: boolean };
}

/** What the steps are read from. */
export interface StepSources {
  /** The host's own times, in milliseconds since the launch. */
  readonly times: Readonly<Partial<HandshakeTimes>>;
  /** What the broker saw of the client. */
  readonly info: GetConnectionInfoResponse | undefined;
  /** When the host was launched, in epoch milliseconds. */
  readonly launchedAt: number;
  /** When the first frame had come back, in milliseconds since the launch. */
  readonly firstFrameMs: number | undefined;
}

/** Every step from the launch to the first frame, in their order. */
export function steps(sources: StepSources): StepStatus[] {
  const { times, info, launchedAt, firstFrameMs } = sources;
  let before = 0;
  const step = (
    side: StepStatus["side"],
    done: string,
    at: number | undefined,
  ): StepStatus => {
    // The broker counts whole milliseconds: no step is shown before the one that it follows.
    if (at !== undefined) before = Math.max(before, at);
    return { side, done, at_ms: at === undefined ? null : before };
  };
  const host = (done: string, at: number | undefined): StepStatus =>
    step("host", done, at);
  // The broker's clock is the machine's, which was read at the launch; 0 is "not yet".
  const client = (done: string, unixMs: number | undefined): StepStatus =>
    step("client", done, unixMs ? unixMs - launchedAt : undefined);
  return [
    host("found a broker, which has the connection", times.allocated),
    host("gave the broker its endpoint", times.stored),
    host("started the client's process", times.spawned),
    client(
      "asked the broker for the endpoint",
      info?.first_endpoint_request_at_unix_ms,
    ),
    client("was given the endpoint", info?.endpoint_delivered_at_unix_ms),
    host("let the client in, by its hello", times.hello),
    client("was pinged, and acked", info?.client_acked_at_unix_ms),
    host("was answered, and acked", times.acked),
    host("heard that the module has started", times.started),
    host("has the first frame back, verified", firstFrameMs),
  ];
}

/** The states of a connection, in the broker's words where it has any. */
export function states(
  info: GetConnectionInfoResponse | undefined,
): Pick<
  PreviewStatus,
  "derived_state" | "host_state" | "client_state" | "why"
> {
  if (!info?.found) {
    return {
      derived_state: "awaiting_both",
      host_state: "pending",
      client_state: "pending",
      why: "the host looks for a broker",
    };
  }
  // What the broker says is of these, as long as it speaks this version.
  const derived = info.derived_state as DerivedState;
  return {
    derived_state: derived,
    host_state: info.host_state as HostState,
    client_state: info.client_state as ClientState,
    why: derived === "ready"
      ? ""
      : derived === "failed"
      ? info.failure_reason
      : WAITING_FOR[derived] ?? derived,
  };
}
