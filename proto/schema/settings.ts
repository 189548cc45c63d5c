/**
 * Settings: parameters of a processor that its host can change while it runs.
 *
 * @module
 */

import type {
  Bool,
  Enum,
  NumericKind,
  Scalar,
  String as StringType,
  ValueOf,
} from "./field_type.ts";

/** The types that a setting can have: `Bool`, `String`, `Enum` and the numbers. */
export type SettingType = Bool | StringType | Enum | Scalar<NumericKind>;

/** The limits that a setting of this type can have: those of numbers. */
export type LimitOf<T extends SettingType> = T extends Scalar<NumericKind>
  ? ValueOf<T>
  : never;

/** The options of a setting. */
export interface SettingOptions<T extends SettingType> {
  /** The value until the host sets another one. */
  readonly default: ValueOf<T>;
  /** The smallest value. Only of a number. Default: the smallest of its type. */
  readonly minimum?: LimitOf<T>;
  /** The largest value. Only of a number. Default: the largest of its type. */
  readonly maximum?: LimitOf<T>;
  /** Its meaning, for readers. */
  readonly description?: string;
}

/** A setting, as a processor declares it. Made by {@link setting}. */
export interface Setting<T extends SettingType = SettingType> {
  /** The type of its values. */
  readonly type: T;
  /** The value until the host sets another one. */
  readonly default: SettingValue;
  /** The smallest value. */
  readonly minimum?: number | bigint;
  /** The largest value. */
  readonly maximum?: number | bigint;
  /** Its meaning, for readers. */
  readonly description?: string;
}

/**
 * Declares a setting of a processor: a `Bool`, a number, a `String` or an `Enum`.
 *
 * ```ts
 * import { Enum, Float32, setting, type SettingValues } from "@streamlib/bridge";
 *
 * const settings = {
 *   amount: setting(Float32, {
 *     default: 0.5,
 *     minimum: 0,
 *     maximum: 1,
 *     description: "0 leaves the picture as it is",
 *   }),
 *   mode: setting(Enum("soft", "hard"), { default: "soft" }),
 * };
 * const values: SettingValues<typeof settings> = { amount: 0.5, mode: "hard" };
 * console.log(values);
 * ```
 *
 * A setting that is not valid, for instance with a default above its maximum, is
 * found when the processor is made: `reactive()`, `continuous()` and `manual()` throw
 * `schema_mismatch`.
 */
export function setting<const T extends SettingType>(
  type: T,
  options: SettingOptions<T>,
): Setting<T> {
  return Object.freeze({ type, ...options }) as Setting<T>;
}

/** The settings of a processor, by name. */
export interface SettingMap {
  /** The setting of that name. */
  readonly [name: string]: Setting;
}

/** No settings. */
export type NoSettings = Record<never, never>;

/** A value that a setting can have. */
export type SettingValue = boolean | number | bigint | string;

/** The values of settings, by name. */
export type SettingValues<S extends SettingMap> = {
  readonly [K in keyof S]: S[K] extends Setting<infer T> ? ValueOf<T>
    : SettingValue;
};
