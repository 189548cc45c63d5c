/**
 * What a processor declares, as JSON.
 *
 * @module
 */

import {
  descriptionOf,
  type ProcessorDescription,
} from "../proto/schema/json/description_json.ts";
import type { Processor } from "./processor.ts";

/**
 * Returns what a processor declares: its mode, ports, settings and calls. It is
 * JSON, the same as `streamlib inspect FILE --json` writes, which does not run the
 * file in your process.
 *
 * ```ts
 * import { describe, Float32, reactive, setting, VideoFrame } from "@streamlib/bridge/client";
 *
 * const fade = reactive({
 *   inputs: { video: VideoFrame },
 *   settings: { amount: setting(Float32, { default: 1, minimum: 0, maximum: 1 }) },
 *   process() {},
 * });
 * const { mode, ports, settings } = describe(fade);
 * console.log(mode, ports?.inputs[0]?.name, settings[0]?.name); // reactive video amount
 * ```
 *
 * @throws {BridgeError} `schema_mismatch` if its fields refer to two schemas of one name
 */
export function describe(processor: Processor): ProcessorDescription {
  return descriptionOf(processor);
}
