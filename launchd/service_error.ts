/**
 * What can go wrong with a service.
 *
 * @module
 */

/**
 * Every code of a {@link ServiceError}. Stable.
 *
 * - `bad_argument`: what was asked for cannot be
 * - `in_use`: a broker that nobody installed has the service's sockets
 * - `no_manager`: no launchd or systemd manages this user's services
 * - `not_installed`: there is nothing to start, stop or update
 * - `not_ours`: a file that somebody else wrote is in the place
 * - `refused`: the service manager would not
 * - `timed_out`: it did not come to an end in time
 */
export type ServiceErrorCode =
  | "bad_argument"
  | "in_use"
  | "no_manager"
  | "not_installed"
  | "not_ours"
  | "refused"
  | "timed_out";

/** An expected failure: what was tried, what was found, and what to type next. */
export class ServiceError extends Error {
  override name = "ServiceError";

  /** @param code the stable name of the failure
   * @param message what was tried and what was found
   * @param next a command line that helps */
  constructor(
    readonly code: ServiceErrorCode,
    message: string,
    readonly next: string,
  ) {
    super(message);
  }
}
