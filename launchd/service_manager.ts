/**
 * The interface of launchd and systemd. A service is described by files, loaded, and
 * started by the first client that connects.
 *
 * @module
 */

import type { BrokerProgram } from "./broker_program.ts";

/** A file that describes the service. */
export interface ServiceFile {
  /** Its absolute path. */
  readonly path: string;
  readonly text: string;
}

/**
 * The state of a service:
 *
 * - `absent`: the manager does not know it
 * - `stopped`: it is installed, and its sockets do not listen
 * - `listening`: the first client will start the broker
 * - `running`: the broker runs
 * - `failed`: the broker was started and has failed
 */
export type ServiceState =
  | "absent"
  | "stopped"
  | "listening"
  | "running"
  | "failed";

/** A manager's report about the service. */
export interface ServiceReport {
  readonly state: ServiceState;
  /** The broker's process id, if it runs. */
  readonly pid?: number;
  /** How it failed, and since when; or why it is stopped. */
  readonly reason?: string;
  /** A command line that helps, if the usual ones do not. */
  readonly next?: string;
}

/** The user's service manager, for one service. Its methods throw ServiceError. */
export interface ServiceManager {
  readonly kind: "launchd" | "systemd";
  /** Returns the files that describe `program`. Pure. */
  files(program: BrokerProgram): readonly ServiceFile[];
  /** The paths of those files. */
  readonly paths: readonly string[];
  /** The directories that must be made for it, with mode 0700. */
  readonly directories: readonly string[];
  /** The file for the broker's stderr. */
  readonly stderrFile: string;
  /** Files that the manager makes and may not remove. */
  readonly leftovers: readonly string[];
  /** Returns the state of the service. Throws `no_manager` if there is no manager for this user. */
  report(): Promise<ServiceReport>;
  /**
   * Loads the service, so that clients can start the broker, now and after the next
   * login. A service that is loaded is loaded again only if its files were `changed`;
   * a running broker is ended then.
   */
  load(changed: boolean): Promise<void>;
  /**
   * The last lines that the broker wrote to stderr, escaped and cut. Empty if it wrote
   * none, or if they cannot be read.
   */
  lastWords(): Promise<readonly string[]>;
  /** Ends the broker; it is not started again before the next login. No effect if the service is not loaded. */
  stop(): Promise<void>;
  /** Ends the broker and starts it again. Loads the service if it is not loaded. */
  restart(): Promise<void>;
  /** Stops the service, also for later logins. Called before the files are removed. */
  unload(): Promise<void>;
  /** Makes the manager forget the files. Called after they were removed. */
  forget(): Promise<void>;
  /** What a user must know of where the service is; sentences, usually none. */
  readonly remarks: readonly string[];
  /** A command line that shows why the broker does not start. */
  readonly diagnosis: string;
}
