/**
 * The codecs of what a processor declares beside its ports. Host and client use
 * the same.
 *
 * @module
 */

import type { CallSchemas } from "../schema/call_types.ts";
import type { Declarations } from "../schema/json/declarations_json.ts";
import { compile, type FrameCodec } from "./frame_codec.ts";
import { SettingsCodec } from "./settings_codec.ts";

/** The codecs of a call's request and reply. */
export interface CallCodecs {
  /** Of what the host sends. */
  readonly request: FrameCodec;
  /** Of what the processor returns. */
  readonly reply: FrameCodec;
}

/** Knows the settings and calls of one processor. */
export class DeclaredCodecs {
  /** Knows its settings. */
  readonly settings: SettingsCodec;
  /** The names of its calls, in the order in which it declares them. */
  readonly callNames: readonly string[];
  /** The same for an error: `seek, reset`, or `no calls`. */
  readonly callsText: string;
  readonly #schemas: ReadonlyMap<string, CallSchemas>;
  /** The codecs of the calls that were made. */
  readonly #codecs = new Map<string, CallCodecs>();

  /** @throws {BridgeError} `schema_mismatch`, naming the setting, if one is not valid */
  constructor({ settings, calls }: Declarations) {
    this.settings = new SettingsCodec(settings);
    this.#schemas = new Map(Object.entries(calls));
    this.callNames = Object.keys(calls);
    this.callsText = this.callNames.join(", ") || "no calls";
  }

  /** Returns the codecs of a call; undefined if there is no such call. */
  call(name: string): CallCodecs | undefined {
    const schemas = this.#schemas.get(name);
    if (!schemas) return undefined;
    const codecs = this.#codecs.get(name) ?? {
      request: compile(schemas.request),
      reply: compile(schemas.reply),
    };
    this.#codecs.set(name, codecs);
    return codecs;
  }
}
