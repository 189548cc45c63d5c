/**
 * What `streamlib broker doctor` finds: one finding for each link of the path
 * from this machine's Deno and Python to frames in another process.
 *
 * @module
 */

/** Every link, in the order of the path. Stable: programs match on them. */
export const LINKS = [
  "deno",
  "python",
  "environment",
  "bootstrap",
  "names",
  "service",
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

/** `note`: the link works, and there is something to know. `skipped`: not checked; the finding says why. */
export type LinkState = "ok" | "note" | "skipped" | "broken";

/** What is known about one link. */
export interface Finding {
  readonly link: LinkName;
  readonly state: LinkState;
  /** What was found, in a few words. */
  readonly found: string;
  /** What that means. */
  readonly why?: string;
  /** The command line that fixes it. In a note: a command line that helps. */
  readonly mend?: string;
  /** Of a broken link: the links that cannot be checked because of it. */
  readonly blocks?: readonly LinkName[];
  /** Of a broken link: the fault is that the broker cannot be reached. */
  readonly unreachable?: true;
}

/** The optional parts of a finding. */
type Rest = Partial<Pick<Finding, "why" | "mend" | "blocks" | "unreachable">>;

/** The link works. */
export function ok(link: LinkName, found: string): Finding {
  return { link, state: "ok", found };
}

/** The link works, and there is something to know. */
export function note(
  link: LinkName,
  found: string,
  rest: Pick<Rest, "why" | "mend"> = {},
): Finding {
  return { link, state: "note", found, ...rest };
}

/** The link was not checked; `found` says why. */
export function skipped(link: LinkName, found: string): Finding {
  return { link, state: "skipped", found };
}

/** The link is broken. The finding always says why, and how to fix it. */
export function broken(
  link: LinkName,
  found: string,
  rest: Rest & Required<Pick<Rest, "why" | "mend">>,
): Finding {
  return { link, state: "broken", found, ...rest };
}

/** A text as one word of a shell command, quoted if necessary. */
export function shellQuoted(text: string): string {
  return /^[\w./:@+-]+$/.test(text)
    ? text
    : `'${text.replaceAll("'", "'\\''")}'`;
}
