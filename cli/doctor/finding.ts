/**
 * What `streamlib broker doctor` finds: one finding a link of the path from
 * this machine's Deno to frames in another process.
 *
 * @module
 */

/** Every link, in the order of the path. Stable: programs match on them. */
export const LINKS = [
  "deno",
  "environment",
  "names",
  "shim",
  "run directory",
  "sockets",
  "grpc",
  "xpc",
  "handshake",
  "frames",
  "control plane",
  "teardown",
] as const;

/** The name of a link. */
export type LinkName = (typeof LINKS)[number];

/** `note`: well, with something to know. `skipped`: not looked at, with why not. */
export type LinkState = "ok" | "note" | "skipped" | "broken";

/** What is known about one link. */
export interface Finding {
  readonly link: LinkName;
  readonly state: LinkState;
  /** What was found, in a few words. */
  readonly found: string;
  /** What that means, where it is not plain. */
  readonly why?: string;
  /** The command line that mends it, or that makes more of it. */
  readonly mend?: string;
  /** For a broken one: the links that cannot be looked at because of it. */
  readonly blocks?: readonly LinkName[];
  /** For a broken one: that is, the broker cannot be reached. */
  readonly unreachable?: true;
}

/** What a finding has beside its link and its state. */
type Rest = Partial<Pick<Finding, "why" | "mend" | "blocks" | "unreachable">>;

/** It is well. */
export function ok(link: LinkName, found: string): Finding {
  return { link, state: "ok", found };
}

/** It is well, and there is something to know. */
export function note(
  link: LinkName,
  found: string,
  rest: Pick<Rest, "why" | "mend"> = {},
): Finding {
  return { link, state: "note", found, ...rest };
}

/** It was not looked at. */
export function skipped(link: LinkName, found: string): Finding {
  return { link, state: "skipped", found };
}

/** It is broken: each says why, and what mends it. */
export function broken(
  link: LinkName,
  found: string,
  rest: Rest & Required<Pick<Rest, "why" | "mend">>,
): Finding {
  return { link, state: "broken", found, ...rest };
}

/** A text for a shell, as one word. */
export function shellQuoted(text: string): string {
  return /^[\w./:@+-]+$/.test(text)
    ? text
    : `'${text.replaceAll("'", "'\\''")}'`;
}
