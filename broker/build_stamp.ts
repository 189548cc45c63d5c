/** What only a build knows. */
export interface BuildStamp {
  /** The commit that was built; with `-dirty` at its end when files had changes since. */
  readonly gitCommit?: string;
  /** When it was built, RFC 3339. */
  readonly buildDate?: string;
}

/** A checkout has none. `deno task pack` and `deno task compile` write this module anew. */
export const BUILD: BuildStamp = {};
