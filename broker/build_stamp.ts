/** What only a build knows. */
export interface BuildStamp {
  /** The commit that was built, with `-dirty` at its end if files were changed since. */
  readonly gitCommit?: string;
  /** When it was built, RFC 3339. */
  readonly buildDate?: string;
}

/**
 * In a checkout what `deno task build` has written, empty before the first build.
 * The literal path makes the file a part of the module graph: Deno reads it
 * without a permission, and a missing file is no error before this line.
 * `deno task pack` and `deno task compile` write a constant in the place of it.
 */
export const BUILD: BuildStamp = await import(
  "../c/out/build_stamp.json",
  { with: { type: "json" } }
).then((module) => module.default, () => ({}));
