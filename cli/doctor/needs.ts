/**
 * Which link of the path needs which: what cannot be checked after a fault
 * follows from this one table.
 *
 * @module
 */

import { type LinkName, LINKS } from "./finding.ts";

/**
 * What a link can need: another link, or something that only some faults take
 * away.
 *
 * - `xpc socket`, `grpc socket`: one of the two sockets that the link `sockets`
 *   checks.
 * - `names in the bootstrap`: names resolve in the bootstrap that this process is
 *   in. In none they resolve without it.
 * - `broker for hosts`: hosts have a broker to use. A host runs its own broker
 *   if it finds none, so a broken `xpc` takes this away only if hosts may not
 *   do that: `STREAMLIB_BROKER_XPC_SERVICE` gives the name, or a broker of
 *   another version serves it.
 */
export type Need =
  | LinkName
  | "xpc socket"
  | "grpc socket"
  | "names in the bootstrap"
  | "broker for hosts";

/** For each link, what it needs directly. */
const NEEDS: Readonly<Record<LinkName, readonly Need[]>> = {
  "deno": [],
  "python": [],
  "environment": [],
  "bootstrap": ["environment"],
  "names": ["environment"],
  "service": ["names"],
  "shim": ["names"],
  "run directory": ["names"],
  "sockets": ["names"],
  "grpc": ["names", "grpc socket"],
  "xpc": ["shim", "run directory", "xpc socket", "names in the bootstrap"],
  "handshake": [
    "shim",
    "run directory",
    "names in the bootstrap",
    "broker for hosts",
  ],
  "frames": ["handshake"],
  // The probe closes its connection as soon as its frames have failed.
  "control plane": ["grpc", "frames"],
  "teardown": ["handshake"],
};

/** The links that need one of `lost`, directly or through other links, in the order of the path. */
export function linksBehind(...lost: readonly Need[]): LinkName[] {
  const gone = new Set<Need>(lost);
  // A link needs only what is before it in the path, so one pass is enough.
  return LINKS.filter((link) => {
    const blocked = NEEDS[link].some((need) => gone.has(need));
    if (blocked) gone.add(link);
    return blocked;
  });
}
