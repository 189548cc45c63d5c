/**
 * Checks the values of settings, and converts them to XPC dictionaries and back.
 *
 * @module
 */

import { schema } from "../schema/schema.ts";
import { INTEGER_WORDS, rangeText } from "./checks/scalar_check.ts";
import { hasProperties, Place, quote, show } from "../schema/schema_place.ts";
import type {
  Setting,
  SettingMap,
  SettingType,
  SettingValue,
} from "../schema/settings.ts";
import type { CapabilityReader, CapabilityWriter } from "./type_codec.ts";
import { compile, type FrameCodec } from "./frame_codec.ts";
import { extraMisfit, Misfit, valueMisfit } from "./misfit.ts";
import type { XpcDictionary } from "./xpc_value.ts";

/** What the path of a setting begins with, in an error. */
const NAME = "settings";

/** What an error advises to write. */
const EXAMPLE = "setting(Float32, { default: 0.5 })";

/** Neither settings nor calls have textures or buffers. */
export const NO_MEMORY: CapabilityWriter & CapabilityReader = {
  texture: () => "it cannot have memory",
  buffer: () => "it cannot have memory",
};

/** The kinds of types that a setting can have. */
const KINDS: Readonly<Record<SettingType["kind"], true>> = {
  Bool: true,
  Int32: true,
  Int64: true,
  UInt32: true,
  UInt64: true,
  Float32: true,
  Float64: true,
  String: true,
  Enum: true,
};

/** Values of settings, by name; not of all of them. */
export interface GivenSettings {
  /** The value of that name. A name with `undefined` is not given. */
  readonly [name: string]: SettingValue | undefined;
}

/** The values of all settings of a processor, by name. */
export interface AllSettings {
  readonly [name: string]: SettingValue;
}

/** Knows the settings that a processor declares. */
export class SettingsCodec {
  /** What the processor declares. */
  readonly declared: SettingMap;
  readonly #codecs = new Map<string, FrameCodec>();

  /**
   * @throws {BridgeError} `schema_mismatch`, naming the setting, if what is declared
   * is not valid; `bad_argument` if it is not a setting
   */
  constructor(declared: SettingMap) {
    this.declared = declared;
    const place = new Place("the settings");
    place.map(declared, `{ amount: ${EXAMPLE} }`);
    for (const [name, one] of Object.entries(declared)) {
      checkForm(place.inside(quote(name)), one);
      this.#codecs.set(name, codecOf(name, one));
    }
    for (const [name, one] of Object.entries(declared)) {
      this.#checkDeclared(place.inside(quote(name)), name, one);
    }
  }

  #checkDeclared(place: Place, name: string, setting: Setting): void {
    const { minimum, maximum } = setting;
    const isNumber = typeof setting.default === "number" ||
      typeof setting.default === "bigint";
    for (const [what, limit] of Object.entries({ minimum, maximum })) {
      if (limit === undefined) continue;
      if (!isNumber) {
        place.refuse(`a ${setting.type.kind} has no ${what}`);
      }
      const misfit = this.#checkType(name, limit);
      if (misfit) place.refuse(`its ${what}: ${misfit.message}`);
      if (Number.isNaN(limit)) place.refuse(`its ${what} is NaN`);
    }
    if (minimum !== undefined && maximum !== undefined && minimum > maximum) {
      place.refuse(`its minimum ${minimum} is above its maximum ${maximum}`);
    }
    const misfit = this.check({ [name]: setting.default });
    if (misfit) place.refuse(`its default: ${misfit.message}`);
  }

  /** The default of each setting. */
  get defaults(): AllSettings {
    return Object.fromEntries(
      Object.entries(this.declared).map(([name, one]) => [name, one.default]),
    );
  }

  /** Returns the first value that is not one of its setting, or whose name is none; undefined if all are valid. */
  check(values: GivenSettings): Misfit | undefined {
    for (const [name, value] of Object.entries(values)) {
      if (value === undefined) continue;
      const declared = Object.hasOwn(this.declared, name)
        ? this.declared[name]
        : undefined;
      if (!declared) return this.#unknown(name);
      const misfit = this.#checkType(name, value);
      const range = rangeWords(declared);
      if (misfit) {
        return range === undefined
          ? misfit
          : new Misfit(NAME, name, range, misfit.got);
      }
      if (!isWithinLimits(declared, value)) {
        return valueMisfit(range!, value).within(name).of(NAME);
      }
    }
    return undefined;
  }

  #checkType(name: string, value: SettingValue): Misfit | undefined {
    return this.#codecs.get(name)!.check({ [name]: value });
  }

  #unknown(name: string): Misfit {
    const names = Object.keys(this.declared);
    const known = names.length === 0
      ? "no settings, as the processor declares none"
      : `one of ${names.join(", ")}`;
    return new Misfit(NAME, "", known, quote(name));
  }

  /** Returns the values as they are sent. They must have passed {@link check}. */
  encode(values: GivenSettings): XpcDictionary {
    const given = Object.entries(values).filter(([, v]) => v !== undefined);
    return Object.assign(
      {},
      ...given.map(([name, value]) =>
        this.#codecs.get(name)!.encode({ [name]: value! }, NO_MEMORY)
      ),
    );
  }

  /** Returns the values that a peer has sent, or why they are not values of these settings. Never throws. */
  decode(body: XpcDictionary): AllSettings | Misfit {
    const values: Record<string, SettingValue> = {};
    for (const [name, value] of Object.entries(body)) {
      const codec = this.#codecs.get(name);
      if (!codec) return extraMisfit(name).of(NAME);
      const decoded = codec.decode({ [name]: value }, NO_MEMORY);
      if (decoded instanceof Misfit) return decoded;
      values[name] = decoded[name] as SettingValue;
    }
    return this.check(values) ?? values;
  }
}

/** Refuses what is no setting at all, or of a type that no setting has. */
function checkForm(place: Place, one: unknown): void {
  if (!hasProperties(one)) {
    place.misuse(`it is ${show(one)}, not a setting; write ${EXAMPLE}`);
  }
  const { type, default: value } = one;
  if (!hasProperties(type)) {
    place.misuse(`its type is ${show(type)}, not a type; write ${EXAMPLE}`);
  }
  if (!Object.hasOwn(KINDS, String(type["kind"]))) {
    place.refuse(
      `its type is ${type["kind"]}; a setting is a ${
        Object.keys(KINDS).join(", ")
      }: write ${EXAMPLE}`,
    );
  }
  if (value === undefined) place.misuse(`it has no default; write ${EXAMPLE}`);
}

function codecOf(name: string, { type, description }: Setting): FrameCodec {
  const field = description === undefined ? type : { type, description };
  return compile(schema({
    name: NAME,
    version: { major: 1, minor: 0, patch: 0 },
    fields: { [name]: field },
  })) as unknown as FrameCodec;
}

/** A Float32 is rounded when it is sent: its limits are compared as rounded, too. */
function isWithinLimits(
  { type, minimum, maximum }: Setting,
  value: SettingValue,
): boolean {
  const rounded = (one: SettingValue): SettingValue =>
    type.kind === "Float32" ? Math.fround(Number(one)) : one;
  const found = rounded(value);
  return (minimum === undefined || found >= rounded(minimum)) &&
    (maximum === undefined || found <= rounded(maximum));
}

/** What the values of a setting with limits are, in words; undefined if it has none. */
function rangeWords({ type, minimum, maximum }: Setting): string | undefined {
  if (minimum === undefined && maximum === undefined) return undefined;
  if (isIntegerKind(type.kind)) {
    const { what, least, most } = INTEGER_WORDS[type.kind];
    const range = { least: `${minimum ?? least}`, most: `${maximum ?? most}` };
    return `${what} ${rangeText(range)}`;
  }
  if (minimum === undefined) return `a number of at most ${maximum}`;
  if (maximum === undefined) return `a number of at least ${minimum}`;
  return `a number from ${minimum} to ${maximum}`;
}

function isIntegerKind(kind: string): kind is keyof typeof INTEGER_WORDS {
  return Object.hasOwn(INTEGER_WORDS, kind);
}
