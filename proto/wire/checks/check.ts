/**
 * Checks: whether a value can be sent in a field. They are the same whatever
 * carries the frame.
 *
 * @module
 */

import type { PixelFormat } from "../../schema/surface.ts";
import type { Misfit } from "../misfit.ts";

/** Returns why a value cannot be sent, or undefined. Accepts any value and never throws. */
export type Check = (value: unknown) => Misfit | undefined;

/** What both sides of a port have agreed on for the frames of one schema. */
export interface AgreedTerms {
  /** The version that both sides have, and whose it is: such as `the other side has VideoFrame 1.0`. */
  readonly version: string;
  /** The minor version of it. What later ones have added is not sent. */
  readonly minor: number;
  /** The pixel formats that surfaces of any format can have; undefined if it can be each. */
  readonly formats: readonly PixelFormat[] | undefined;
}
