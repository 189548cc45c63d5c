/**
 * What a host can ask its client, as the host's owner sees it.
 *
 * @module
 */

import type { CallMap, CallTypes } from "../proto/schema/call_types.ts";
import type { FieldValue } from "../proto/schema/field_type.ts";
import { isLanguageName } from "../proto/schema/schema_check.ts";
import type {
  SettingMap,
  SettingValue,
  SettingValues,
} from "../proto/schema/settings.ts";
import type { AskOptions, ClientRequests } from "./client_requests.ts";

/** Values of settings, some of them or all. */
export type SomeSettings<S extends SettingMap> = string extends keyof S
  ? { readonly [name: string]: SettingValue }
  : Partial<SettingValues<S>>;

/** The settings of a host's processor. */
export interface HostSettings<S extends SettingMap = SettingMap> {
  /**
   * The values now: those that the processor was given or is about to get, and once
   * the host is ready the defaults of the others. A new object each time.
   */
  readonly values: SomeSettings<S>;
  /**
   * Changes settings. Resolves when the processor has them. They change between
   * two calls of its functions, after the frames that were sent before were read.
   * There is one exception: a port that skips to the latest keeps its newest frame
   * while the client has no room, and that frame may come after the change. A
   * client that is started again begins with the values. A setting whose value is
   * `undefined` is not given: it keeps the value that it has.
   *
   * While no client is ready, the change waits: the next client begins with it,
   * also if those before it have failed with the value that it replaces. A client
   * may also fail before it has answered: then the next one begins with the change,
   * and `set` resolves once that one is ready. In both cases `settingsChanged` is
   * not called.
   *
   * Rejects with `bad_argument`, naming the setting, if the processor has no such
   * setting or the value is not valid, or if the values are no object: then nothing
   * is changed; with
   * `timed_out`, `aborted`, `version_mismatch` if the client's library knows no
   * settings, and with the host's failure, or `closed`, if the host ends.
   */
  set(values: SomeSettings<S>, options?: AskOptions): Promise<void>;
}

/** A call whose types are not known at compile time. */
export type AnyCall = (
  request?: { readonly [name: string]: FieldValue },
  options?: AskOptions,
) => Promise<{ readonly [name: string]: FieldValue }>;

/** What calls a processor. The request can be left out if it has no fields. */
export type CallFunction<T extends CallTypes> = keyof T["request"] extends never
  ? (request?: T["request"], options?: AskOptions) => Promise<T["reply"]>
  : (request: T["request"], options?: AskOptions) => Promise<T["reply"]>;

/** The calls of a host's processor, by name. */
export type HostCalls<C extends CallMap = CallMap> = string extends keyof C
  ? { readonly [name: string]: AnyCall }
  : { readonly [K in keyof C]: CallFunction<C[K]> };

/** Returns the settings as the host's owner sees them. */
export function hostSettings<S extends SettingMap>(
  requests: ClientRequests,
): HostSettings<S> {
  return Object.freeze({
    get values(): SomeSettings<S> {
      return requests.values as unknown as SomeSettings<S>;
    },
    set: (values: SomeSettings<S>, options?: AskOptions) =>
      requests.set(values, options),
  });
}

/** Returns the calls as the host's owner sees them. Before the client has declared its calls, their names are not known: so every name that a call can have gives a function. */
export function hostCalls<C extends CallMap>(
  requests: ClientRequests,
): HostCalls<C> {
  return new Proxy(Object.freeze({}), {
    get: (target, name) =>
      typeof name === "symbol" || isLanguageName(name)
        ? Reflect.get(target, name)
        : (request?: object, options?: AskOptions) =>
          requests.call(name, request, options),
  }) as HostCalls<C>;
}
