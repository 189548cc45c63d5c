/**
 * The status that the preview shows: of the connection and of its frames.
 *
 * @module
 */

import {
  type ClientState,
  type DerivedState,
  type GetConnectionInfoResponse,
  type HandshakeTimes,
  type HostState,
  type TransportPath,
  WAITING_FOR,
} from "../../host/mod.ts";

/** One step before the first frame. */
export interface StepStatus {
  /** The side that does the step. */
  readonly side: "host" | "client";
  /** What was done, as text. */
  readonly done: string;
  /** The time of the step, in milliseconds since the launch; `null` before it. */
  readonly at_ms: number | null;
}

/** What the page shows: one event of the stream, sent as JSON. */
export interface PreviewStatus {
  /** The state of the demo itself. */
  readonly demo: "running" | "ended" | "failed";
  /** Why the connection is not ready, or why it has ended; "" while it is ready. */
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
  /** Recent frames per second, and below the source's frame rate. */
  readonly fps: number;
  readonly source_fps: number;
  readonly handshake_ms: number | null;
  readonly handshake_without_process_start_ms: number | null;
  /** Recent latency; `null` before the first frame. */
  readonly latency_us: { readonly p50: number; readonly p99: number } | null;
  readonly pixel_bytes_copied_per_frame: number;
  /** What carries the frames; `null` until they can flow. */
  readonly path: TransportPath | null;
  readonly pids: { readonly host: number; readonly client: number };
  readonly broker: { readonly service: string; readonly embedded: boolean };
}

/** The data from which the steps are computed. */
export interface StepSources {
  /** The host's own times, in milliseconds since the launch. */
  readonly times: Readonly<Partial<HandshakeTimes>>;
  /** The broker's record of the connection. */
  readonly info: GetConnectionInfoResponse | undefined;
  /** The time of the launch, in milliseconds since 1970. */
  readonly launchedAt: number;
  /** The time at which the first frame came back, in milliseconds since the launch. */
  readonly firstFrameMs: number | undefined;
}

/** Returns every step from the launch to the first frame, in order. */
export function steps(sources: StepSources): StepStatus[] {
  const { times, info, launchedAt, firstFrameMs } = sources;
  let before = 0;
  const step = (
    side: StepStatus["side"],
    done: string,
    at: number | undefined,
  ): StepStatus => {
    // The broker's times are whole milliseconds: a step is never shown before the step that it follows.
    if (at !== undefined) before = Math.max(before, at);
    return { side, done, at_ms: at === undefined ? null : before };
  };
  const host = (done: string, at: number | undefined): StepStatus =>
    step("host", done, at);
  // The broker uses the machine's clock, as `launchedAt` does; 0 means "not yet".
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

/** Returns the states of a connection, from the broker's record if there is one. */
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
  // A broker of this version sends only these states.
  const derived = info.derived_state as DerivedState;
  return {
    derived_state: derived,
    host_state: info.host_state as HostState,
    client_state: info.client_state as ClientState,
    why: derived === "ready"
      ? ""
      : derived === "failed" || derived === "closed"
      ? info.failure_reason
      : WAITING_FOR[derived] ?? derived,
  };
}
