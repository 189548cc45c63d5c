import type { AgreedTerms } from "../../proto/wire/checks/check.ts";

/** Both sides have version 1.0, and every pixel format. */
export const TERMS: AgreedTerms = {
  version: "this is S 1.0",
  minor: 0,
  formats: undefined,
};
