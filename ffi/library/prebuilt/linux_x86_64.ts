import type { Prebuilt } from "./prebuilt.ts";

/** A checkout has none: it builds its own. */
export const PREBUILT: Prebuilt | undefined = undefined;
