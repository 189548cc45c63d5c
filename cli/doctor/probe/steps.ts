/**
 * What the probe reports: one line of JSON a step, in this order. After a step
 * that failed there is none but the last.
 *
 * @module
 */

/** What each step says when it went well. Times are milliseconds. */
export interface StepFacts {
  /** The shim was found, loaded, and has this library's ABI. */
  readonly shim: {
    readonly path: string;
    /** Who named it: the variable STREAMLIB_LIBRARY, this checkout's build, or the package, whose hash was compared. */
    readonly source: "variable" | "build" | "package";
    readonly abi: number;
  };
  /** The broker that serves the service name has answered over XPC. */
  readonly xpc: {
    readonly service: string;
    readonly version: string;
    readonly ms: number;
  };
  /** A child process was started, and frames can flow. */
  readonly handshake: {
    readonly connection_id: string;
    readonly service: string;
    readonly embedded: boolean;
    readonly client_pid: number;
    readonly ms: number;
    /** How much of it was the start of the child's process. */
    readonly process_ms: number;
  };
  /** Frames went to the child and came back. */
  readonly frames: {
    readonly sent: number;
    readonly received: number;
    /** Those that are, in each byte, what the child has to make of them. */
    readonly verified: number;
    /** By both processes, all frames together. */
    readonly pixel_bytes_copied: number;
    /** The median time there and back. */
    readonly round_trip_ms: number;
  };
  /** The child has ended in order, and nothing is left. */
  readonly teardown: {
    /** Native objects that are left. */
    readonly left: number;
    readonly ms: number;
  };
}

/** The name of a step. */
export type ProbeStep = keyof StepFacts;

/** A step that failed: a code of BridgeError or of its own, and the words. */
export interface StepFailure {
  readonly code: string;
  readonly message: string;
}

/** What became of one step. */
export type StepReport<S extends ProbeStep> =
  | { readonly facts: StepFacts[S]; readonly failure?: undefined }
  | { readonly failure: StepFailure; readonly facts?: undefined };

/** One line. */
export type StepLine = {
  [S in ProbeStep]: { readonly step: S } & StepReport<S>;
}[
  ProbeStep
];

/** How long each step may take, in milliseconds. */
export const STEP_DEADLINES: Readonly<Record<ProbeStep, number>> = {
  shim: 5_000,
  xpc: 3_000,
  handshake: 20_000,
  frames: 10_000,
  teardown: 10_000,
};

/** How long the connection is held open for others to look at, at the most: until standard input ends. */
export const HOLD_MS = 10_000;
