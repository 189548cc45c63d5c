/**
 * By what a file is known to be ours.
 *
 * @module
 */

/** In every file that is installed, as a comment. It must not change: it is looked for in files of older versions. */
export const SIGNATURE =
  "Written by `streamlib broker install`; `streamlib broker uninstall` removes it.";
