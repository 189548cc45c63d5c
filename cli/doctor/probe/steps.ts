/**
 * What the probe reports: one line of JSON for each step, in this order. The probe
 * continues after a failed `xpc`. After another failed step only `teardown`
 * follows, and only if a host was launched.
 *
 * @module
 */

import { BROKER_START_MS } from "../../../proto/limits.ts";

/** The report of each step that succeeded. Times are in milliseconds. */
export interface StepFacts {
  /** The shim was found and loaded, and has this library's ABI version. */
  readonly shim: {
    /** The file; the package's own has none. */
    readonly path?: string;
    /** Where it is from: STREAMLIB_LIBRARY, this checkout's build, or the package. */
    readonly source: "variable" | "build" | "package";
    readonly abi: number;
  };
  /** The broker that serves the service's name answered over XPC. */
  readonly xpc: {
    readonly service: string;
    readonly version: string;
    readonly ms: number;
  };
  /** A child process was started and is ready for frames. */
  readonly handshake: {
    readonly connection_id: string;
    readonly service: string;
    readonly embedded: boolean;
    readonly client_pid: number;
    readonly ms: number;
    /** The part of `ms` that the child process took to start. */
    readonly process_ms: number;
  };
  /** Frames went to the child and came back. */
  readonly frames: {
    readonly sent: number;
    readonly received: number;
    /** The number of frames in which every byte is the expected one. */
    readonly verified: number;
    /** The sum over both processes and all frames. */
    readonly pixel_bytes_copied: number;
    /** What carried the frames. */
    readonly path: "lane" | "dictionary";
    /** The median time from sending a frame to receiving it back. */
    readonly round_trip_ms: number;
  };
  /** The child has ended in order. */
  readonly teardown: {
    /** The number of native objects that were not released. */
    readonly left: number;
    readonly ms: number;
  };
}

/** The name of a step. */
export type ProbeStep = keyof StepFacts;

/** A step that failed. `code` is that of a BridgeError, or `unexpected` or `probe_ended`. */
export interface StepFailure {
  readonly code: string;
  readonly message: string;
}

/** The result of one step. */
export type StepReport<S extends ProbeStep> =
  | { readonly facts: StepFacts[S]; readonly failure?: undefined }
  | { readonly failure: StepFailure; readonly facts?: undefined };

/** One line of the report. */
export type StepLine = {
  [S in ProbeStep]: { readonly step: S } & StepReport<S>;
}[
  ProbeStep
];

/** The deadline of each step, in milliseconds. */
export const STEP_DEADLINES: Readonly<Record<ProbeStep, number>> = {
  shim: 5_000,
  // On macOS the call may start the broker.
  xpc: Deno.build.os === "darwin" ? BROKER_START_MS : 3_000,
  handshake: 20_000,
  frames: 10_000,
  teardown: 10_000,
};

/** The limit for keeping the connection open until standard input ends, in milliseconds. */
export const HOLD_MS = 10_000;
