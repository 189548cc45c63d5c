/**
 * The settings of a processor as they are now.
 *
 * @module
 */

import type { SettingMap, SettingValues } from "../proto/schema/settings.ts";
import type {
  AllSettings,
  SettingsCodec,
} from "../proto/wire/settings_codec.ts";

/** Keeps the values that a processor reads. */
export class LiveSettings {
  /** What the processor reads: one object, whose values change. */
  readonly values: SettingValues<SettingMap>;
  #now: AllSettings;

  /** @param codec knows what the processor declares; the values are the defaults */
  constructor(codec: SettingsCodec) {
    this.#now = codec.defaults;
    const names = Object.keys(codec.declared);
    this.values = Object.freeze(
      Object.defineProperties(
        {},
        Object.fromEntries(
          names.map((name) => [name, {
            enumerable: true,
            get: () => this.#now[name],
          }]),
        ),
      ),
    );
  }

  /** Sets valid values. Returns the names of those that are others than before. */
  apply(values: AllSettings): string[] {
    const before = this.#now;
    this.#now = { ...before, ...values };
    return Object.keys(values).filter((name) =>
      !Object.is(before[name], values[name])
    );
  }
}
