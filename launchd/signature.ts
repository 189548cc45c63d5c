/**
 * The mark in the files of an installed service.
 *
 * @module
 */

/** A comment in every installed file. It must not change: it identifies files of older versions too. */
export const SIGNATURE =
  "Written by `streamlib broker install`; `streamlib broker uninstall` removes it.";
