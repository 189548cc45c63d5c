/**
 * The errors of services.
 *
 * @module
 */

/**
 * The codes of {@link ServiceError}. Stable.
 *
 * - `bad_argument`: an argument or a path cannot be used
 * - `does_not_run`: the service manager started the broker for a trial, and it did not answer
 * - `in_use`: a broker that was started by hand has the service's sockets
 * - `no_manager`: there is no launchd or systemd for this user's services
 * - `not_installed`: there is no service to start, stop or update
 * - `not_ours`: a file of the service was not written by streamlib
 * - `refused`: the service manager or the file system refused
 * - `timed_out`: it did not end within its time limit
 */
export type ServiceErrorCode =
  | "bad_argument"
  | "does_not_run"
  | "in_use"
  | "no_manager"
  | "not_installed"
  | "not_ours"
  | "refused"
  | "timed_out";

/** An expected failure, with a command that helps. */
export class ServiceError extends Error {
  override name = "ServiceError";

  /** @param code the stable name of the failure
   * @param message what was tried and what was found
   * @param next a command line that helps, or what to do in words
   * @param more lines that belong to the message, such as the output of a program */
  constructor(
    readonly code: ServiceErrorCode,
    message: string,
    readonly next: string,
    readonly more: readonly string[] = [],
  ) {
    super(message);
  }
}
