/**
 * What the checks of the links share: the machine, what earlier links have
 * found out, and the probe.
 *
 * @module
 */

import type { Names } from "../../proto/names.ts";
import type { Console } from "../terminal/console.ts";
import type { Finding, LinkName } from "./finding.ts";
import type { Probe } from "./probe_runner.ts";

/** One run of the doctor. */
export interface Examination {
  readonly console: Console;
  /** The version of the Deno that runs this program. */
  readonly deno: string;
  /** The address given with `--endpoint`; undefined without that option. */
  readonly endpoint: string | undefined;
  /** Returns the probe; the first call starts it. */
  probe(): Probe;
  /** What the links have found out so far. */
  readonly known: Known;
}

/** What links tell those after them. */
export interface Known {
  /** Set by "bootstrap", if this process is in one: whether names that it does not know are looked for nowhere else, and whether it has a broker. */
  bootstrap?: { readonly isolated: boolean; readonly served: boolean };
  /** Set by "names". */
  names?: Names;
  /** Set by "names": whether a service manager is told to start the broker. */
  installed?: boolean;
  /** Set by "names": there is no directory for the sockets of a broker. */
  directoryless?: true;
  /** Set by "sockets": whether one of the broker's sockets exists. */
  anySocket?: boolean;
  /** Set by "grpc": whether a broker has answered. */
  answered?: boolean;
  /** Set by "handshake". */
  connection?: { readonly id: string; readonly embedded: boolean };
}

/** Whether hosts use nothing outside the bootstrap that this process is in: no directory, no socket, no service. */
export function isWithinBootstrap({ bootstrap }: Known): boolean {
  return bootstrap !== undefined && (bootstrap.served || bootstrap.isolated);
}

/** A link: its name, and its check. */
export interface Link {
  readonly name: LinkName;
  check(examination: Examination): Promise<Finding> | Finding;
}
