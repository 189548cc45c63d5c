/**
 * What is told of a connection's processor below its line.
 *
 * @module
 */

import type { ConnectionInfo } from "../../proto/broker_gen.ts";
import { amount } from "../../proto/schema/schema_place.ts";

/** The values of a processor's settings, by name. */
export type ShownSettings = { readonly [name: string]: unknown };

/** Returns the settings that a broker tells; none if it tells none, as older brokers. */
export function settingsOf(
  { settings_json = "" }: Partial<Pick<ConnectionInfo, "settings_json">>,
): ShownSettings {
  try {
    const values: unknown = JSON.parse(settings_json);
    return typeof values === "object" && values !== null &&
        !Array.isArray(values)
      ? values as ShownSettings
      : {};
  } catch {
    return {};
  }
}

/**
 * Returns the settings, and the clients that hung, in words; "" if there is nothing
 * to tell.
 *
 * ```ts
 * const settings = { amount: 0.5, mode: "soft" };
 * console.log(processorNote({ settings, hangs: 0 })); // settings: amount 0.5, mode "soft"
 * ```
 */
export function processorNote(
  { settings, hangs }: {
    readonly settings: ShownSettings;
    readonly hangs: number;
  },
): string {
  const values = Object.entries(settings).map(([name, value]) =>
    `${name} ${JSON.stringify(value)}`
  );
  return [
    ...(values.length === 0 ? [] : [`settings: ${values.join(", ")}`]),
    ...(hangs === 0 ? [] : [`${amount(hangs, "client")} hung before`]),
  ].join("; ");
}
