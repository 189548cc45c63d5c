import type { KeptText } from "../kept_files.ts";

/** A checkout has none: its files are in `client/python/`. */
export const PACKAGE_TEXT: KeptText | undefined = undefined;
