/**
 * The values of settings as the broker shows them.
 *
 * @module
 */

import { valueToJson } from "../proto/schema/json/declarations_json.ts";
import type { SettingValue } from "../proto/schema/settings.ts";
import { MAX_SETTINGS_JSON } from "../proto/limits.ts";
import { utf8Length } from "../proto/wire/text.ts";

/**
 * Returns the values as a JSON object, by name; "" if there are none. Those for which
 * it has no room are left out.
 *
 * ```ts
 * console.log(settingsText({ amount: 0.5, mode: "soft" })); // {"amount":0.5,"mode":"soft"}
 * ```
 */
export function settingsText(
  values: { readonly [name: string]: SettingValue },
): string {
  const shown: string[] = [];
  let bytes = 2; // the braces
  for (const [name, value] of Object.entries(values)) {
    const text = `${JSON.stringify(name)}:${
      JSON.stringify(valueToJson(value))
    }`;
    bytes += utf8Length(text) + 1;
    if (bytes > MAX_SETTINGS_JSON) break;
    shown.push(text);
  }
  return shown.length === 0 ? "" : `{${shown.join(",")}}`;
}
