/**
 * What launchd and systemd have in common: a service is described by files,
 * loaded, and then started by the first client that connects.
 *
 * @module
 */

import type { BrokerProgram } from "./broker_program.ts";

/** A file that describes the service to its manager. */
export interface ServiceFile {
  /** Its absolute path. */
  readonly path: string;
  readonly text: string;
}

/**
 * How a service is:
 * `absent` when its manager does not know it, `stopped` when it does but
 * nothing listens, `listening` when the first client will start the broker,
 * `running` when it runs, `failed` when it was started and went wrong.
 */
export type ServiceState =
  | "absent"
  | "stopped"
  | "listening"
  | "running"
  | "failed";

/** What a manager says of the service. */
export interface ServiceReport {
  readonly state: ServiceState;
  /** Of the broker's process, where it runs. */
  readonly pid?: number;
  /** Why it failed, in the manager's words. */
  readonly reason?: string;
}

/** The user's service manager, for one service. All throw ServiceError. */
export interface ServiceManager {
  readonly kind: "launchd" | "systemd";
  /** The files that describe `program` to it. Pure. */
  files(program: BrokerProgram): readonly ServiceFile[];
  /** The paths of those files. */
  readonly paths: readonly string[];
  /** The directories that it does not make itself, each for its owner alone. */
  readonly directories: readonly string[];
  /** What it makes by itself, and may leave behind. */
  readonly leftovers: readonly string[];
  /** How the service is. Throws `no_manager` where nobody manages this user's. */
  report(): Promise<ServiceReport>;
  /**
   * Lets clients start the broker, now and after the next login. Again does
   * nothing, unless the files were `changed`: then a broker that ran is ended.
   */
  load(changed: boolean): Promise<void>;
  /** Ends the broker and does not start it again before the next login. It is well where nothing is loaded. */
  stop(): Promise<void>;
  /** Ends the broker, and starts it afresh. The service is loaded after it, if it was not. */
  restart(): Promise<void>;
  /** Stops, and takes back what {@link load} did for later logins. Before the files are removed. */
  unload(): Promise<void>;
  /** Lets go of what it remembers of the files. After they were removed. */
  forget(): Promise<void>;
  /** A command line that shows why the broker does not start. */
  readonly diagnosis: string;
}
