import { assertEquals } from "@std/assert";
import {
  canonicalJson,
  type JsonValue,
} from "../../../../../proto/schema/json/canonical_json.ts";
import { assertRefused } from "../../../../helpers/refused.ts";

/** Returns the double with these bits, as in RFC 8785, appendix B. */
function double(bits: string): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt(`0x${bits}`));
  return view.getFloat64(0);
}

Deno.test("RFC 8785, appendix B: numbers", () => {
  const samples = [
    ["0000000000000000", "0"],
    ["8000000000000000", "0"],
    ["0000000000000001", "5e-324"],
    ["8000000000000001", "-5e-324"],
    ["7fefffffffffffff", "1.7976931348623157e+308"],
    ["ffefffffffffffff", "-1.7976931348623157e+308"],
    ["4340000000000000", "9007199254740992"],
    ["c340000000000000", "-9007199254740992"],
    ["4430000000000000", "295147905179352830000"],
    ["44b52d02c7e14af5", "9.999999999999997e+22"],
    ["44b52d02c7e14af6", "1e+23"],
    ["44b52d02c7e14af7", "1.0000000000000001e+23"],
    ["444b1ae4d6e2ef4e", "999999999999999700000"],
    ["444b1ae4d6e2ef4f", "999999999999999900000"],
    ["444b1ae4d6e2ef50", "1e+21"],
    ["3eb0c6f7a0b5ed8c", "9.999999999999997e-7"],
    ["3eb0c6f7a0b5ed8d", "0.000001"],
    ["41b3de4355555553", "333333333.3333332"],
    ["41b3de4355555554", "333333333.33333325"],
    ["41b3de4355555555", "333333333.3333333"],
    ["41b3de4355555556", "333333333.3333334"],
    ["41b3de4355555557", "333333333.33333343"],
    ["becbf647612f3696", "-0.0000033333333333333333"],
    ["43143ff3c1cb0959", "1424953923781206.2"],
  ] as const;
  for (const [bits, text] of samples) {
    assertEquals(canonicalJson(double(bits)), text);
  }
});

Deno.test("RFC 8785, section 3.2.2: literals, numbers and strings", () => {
  const input = JSON.parse(String.raw`{
    "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
    "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
    "literals": [null, true, false]
  }`);
  assertEquals(
    canonicalJson(input),
    String
      .raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
  );
});

Deno.test("RFC 8785, section 3.2.3: keys in the order of their UTF-16 code units", () => {
  const input = JSON.parse(String.raw`{
    "\u20ac": "Euro Sign",
    "\r": "Carriage Return",
    "\ufb33": "Hebrew Letter Dalet With Dagesh",
    "1": "One",
    "\ud83d\ude00": "Emoji: Grinning Face",
    "\u0080": "Control",
    "\u00f6": "Latin Small Letter O With Diaeresis"
  }`);
  assertEquals(
    [...canonicalJson(input).matchAll(/:"([^"]+)"/g)].map((m) => m[1]),
    [
      "Carriage Return",
      "One",
      "Control",
      "Latin Small Letter O With Diaeresis",
      "Euro Sign",
      "Emoji: Grinning Face",
      "Hebrew Letter Dalet With Dagesh",
    ],
  );
});

Deno.test("keys are sorted at every level, arrays keep their order", () => {
  assertEquals(
    canonicalJson({ b: [{ z: 1, y: [] }, {}], a: { "": "", A: null } }),
    '{"a":{"":"","A":null},"b":[{"y":[],"z":1},{}]}',
  );
});

Deno.test("what has no canonical form is refused", () => {
  const refused = (value: unknown, why: string): void =>
    assertRefused(
      () => canonicalJson(value as JsonValue),
      "bad_argument",
      `Cannot write canonical JSON: ${why}`,
    );
  refused("\ud800", String.raw`the string "\ud800" has a lone surrogate`);
  refused(
    { "\udc00": 1 },
    String.raw`the string "\udc00" has a lone surrogate`,
  );
  refused([NaN], "the number NaN is not finite");
  refused(-Infinity, "the number -Infinity is not finite");
  refused({ a: undefined }, "JSON has no undefined");
  refused(new Array(1), "JSON has no undefined");
  refused(1n, "JSON has no bigint");
});
