/** What processors declare beside their ports, as JSON, and the values that a host sets. */

import {
  Array as List,
  Bool,
  Enum,
  field,
  Float32,
  Float64,
  Int32,
  Int64,
  Optional,
  SchemaRef,
  String as Text,
  UInt64,
} from "../../../proto/schema/field_type.ts";
import {
  callSchemas,
  declarationsToJson,
  valueToJson,
} from "../../../proto/schema/json/declarations_json.ts";
import { schema } from "../../../proto/schema/schema.ts";
import { defineFields } from "../../../proto/schema/field_type.ts";
import { setting } from "../../../proto/schema/settings.ts";
import { Misfit } from "../../../proto/wire/misfit.ts";
import { SettingsCodec } from "../../../proto/wire/settings_codec.ts";
import {
  double,
  int64,
  uint64,
  type XpcDictionary,
} from "../../../proto/wire/xpc_value.ts";
import { packedHex } from "./frame_vectors.ts";

const SETTINGS = {
  amount: setting(Float32, {
    default: 0.1,
    minimum: 0.1,
    maximum: 0.3,
    description: "how much",
  }),
  least: setting(Int32, { default: 0, minimum: -5 }),
  most: setting(UInt64, { default: 0n, maximum: 7n }),
  wide: setting(Int64, { default: -(2n ** 63n) }),
  free: setting(Float64, { default: NaN }),
  mode: setting(Enum("a", "b"), { default: "b" }),
  text: setting(Text, { default: "Länge" }),
  flag: setting(Bool, { default: true }),
};

const Point = schema({
  name: "Point",
  version: { major: 1, minor: 0, patch: 0 },
  fields: { x: Float32 },
});

const CALLS = {
  row: callSchemas(
    "row",
    defineFields({ y: field(Int32, "which"), at: SchemaRef(Point) }),
    defineFields({ pixels: List(Int64), text: Optional(Text) }),
  ),
};

const SET: readonly XpcDictionary[] = [
  {},
  { amount: double(0.3), least: int64(-5), most: uint64(7) },
  { amount: double(0.31) },
  { amount: double(NaN) },
  { amount: int64(1) },
  { least: int64(-6) },
  { least: double(1) },
  { most: uint64(8) },
  { wide: int64(5), free: double(Infinity), mode: "a", flag: false, text: "" },
  { mode: "c" },
  { flag: uint64(1) },
  { other: double(1) },
];

/** Returns the vectors as data. */
export function settingsVectors(): object {
  const codec = new SettingsCodec(SETTINGS);
  return {
    about:
      "What a processor declares, and values that a host sets, packed: the values in the form of the declarations, or the misfit.",
    declared: declarationsToJson({ settings: SETTINGS, calls: CALLS }),
    set: SET.map((values) => {
      const found = codec.decode(values);
      return {
        values: packedHex(values),
        ...(found instanceof Misfit ? { message: found.message } : {
          found: Object.fromEntries(
            Object.entries(found).map((
              [name, one],
            ) => [name, valueToJson(one)]),
          ),
        }),
      };
    }),
  };
}
