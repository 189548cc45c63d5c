import { assertEquals } from "@std/assert";
import { MAX_FEATURES, MAX_NAME_BYTES } from "../../../../proto/limits.ts";
import {
  helloMessage,
  pingMessage,
} from "../../../../proto/states/handshake_messages.ts";
import {
  chosenFeatures,
  FEATURES,
  parseFeatures,
} from "../../../../proto/wire/features.ts";
import {
  uint64,
  type XpcDictionary,
  type XpcValue,
} from "../../../../proto/wire/xpc_value.ts";

const CREDENTIALS = { connection_id: "c0ffee", token: "", schema_hash: "ab" };

Deno.test("features: hello and ping name them, and both sides have the same", () => {
  const hello = helloMessage(CREDENTIALS, FEATURES);
  const chosen = chosenFeatures(parseFeatures(hello));
  assertEquals(chosen, new Set(FEATURES));
  assertEquals(parseFeatures(pingMessage(chosen)), [...FEATURES]);
});

Deno.test("features: without them hello and ping are those of the first version", () => {
  assertEquals("features" in helloMessage(CREDENTIALS), false);
  assertEquals("features" in pingMessage(new Set()), false);
  assertEquals(chosenFeatures(parseFeatures({})), new Set());
});

Deno.test("features: a host uses what it has, and ignores the names that it does not know", () => {
  assertEquals(chosenFeatures(["later", "ends", "ends"]), new Set(["ends"]));
  assertEquals(
    chosenFeatures(["ends", "moves"], ["moves"]),
    new Set(["moves"]),
  );
  assertEquals(chosenFeatures(["toString", "__proto__"]), new Set());
});

Deno.test("features: nonsense of a peer is left out", () => {
  const long = "x".repeat(MAX_NAME_BYTES + 1);
  const given: [XpcValue, string[]][] = [
    [null, []],
    ["ends", []],
    [{ 0: "ends" }, []],
    [Uint8Array.of(1), []],
    [[uint64(1), null, ["ends"], {}, long, "ends"], ["ends"]],
  ];
  for (const [features, names] of given) {
    assertEquals(parseFeatures({ features }), names);
  }
  const many: XpcDictionary = {
    features: [...Array(MAX_FEATURES).fill("later"), "ends"],
  };
  assertEquals(chosenFeatures(parseFeatures(many)), new Set());
});
