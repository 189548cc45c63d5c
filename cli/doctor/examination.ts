/**
 * What the links share while they are looked at: the machine, what the links
 * before have found out, and the probe.
 *
 * @module
 */

import type { Names } from "../../proto/names.ts";
import type { Console } from "../terminal/console.ts";
import type { Finding, LinkName } from "./finding.ts";
import type { Probe } from "./probe_runner.ts";

/** The machine, and what is known of it so far. */
export interface Examination {
  readonly console: Console;
  /** The version of the Deno that this runs on. */
  readonly deno: string;
  /** The address that `--endpoint` gave, if it did. */
  readonly endpoint: string | undefined;
  /** The probe, started with the first call. */
  probe(): Probe;
  /** What the links found out so far. */
  readonly known: Known;
}

/** What links tell those after them. */
export interface Known {
  /** From "names" on. */
  names?: Names;
  /** From "names" on: whether a service manager is to start the broker. */
  installed?: boolean;
  /** From "sockets" on: whether anything is there that a broker may serve. */
  anySocket?: boolean;
  /** From "grpc" on: whether a broker has answered. */
  answered?: boolean;
  /** From "handshake" on. */
  connection?: { readonly id: string; readonly embedded: boolean };
}

/** A link: its name, and how it is looked at. */
export interface Link {
  readonly name: LinkName;
  check(examination: Examination): Promise<Finding> | Finding;
}
