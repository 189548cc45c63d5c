import { assertEquals, assertThrows } from "@std/assert";
import { RequestFields } from "../../../../broker/calls/fields.ts";
import { BridgeError } from "../../../../proto/errors.ts";

function fields(value: unknown): RequestFields {
  return new RequestFields("Act", { it: value });
}

function refuses(read: () => unknown, message: string): void {
  const error = assertThrows(read, BridgeError);
  assertEquals(error.code, "bad_argument");
  assertEquals(error.message, `Cannot Act: field 'it' is ${message}`);
}

Deno.test("Fields: what is absent reads as its default", () => {
  for (const request of [{}, { it: undefined }, { it: null }]) {
    const absent = new RequestFields("Act", request);
    assertEquals(absent.text("it", 1), "");
    assertEquals(absent.optionalName("it"), "");
    assertEquals(absent.optionalHex("it", 2), "");
    assertEquals(absent.optionalJson("it", 1), "");
    assertEquals(absent.number("it", 1), 0);
    assertEquals(absent.flag("it"), false);
    refuses(() => absent.name("it"), "empty, expected a name");
    refuses(() => absent.side("it"), '"", expected host or client');
  }
});

Deno.test("Fields: what an object inherits is not its field", () => {
  const request = Object.create({ it: "inherited" });
  assertEquals(new RequestFields("Act", request).text("it", 99), "");
  assertEquals(new RequestFields("Act", {}).text("constructor", 99), "");
});

Deno.test("Fields: text is bounded in bytes", () => {
  assertEquals(fields("äb").text("it", 3), "äb");
  refuses(
    () => fields("äbc").text("it", 3),
    "4 bytes long, expected at most 3 bytes",
  );
  refuses(() => fields(1).text("it", 3), "1, expected a string");
  refuses(() => fields({}).text("it", 3), "object, expected a string");
});

Deno.test("Fields: a name is short and plain", () => {
  assertEquals(fields("n".repeat(256)).name("it"), "n".repeat(256));
  refuses(
    () => fields("n".repeat(257)).name("it"),
    "257 bytes long, expected at most 256 bytes",
  );
  for (const control of ["\0", "\n", "\x1b", "\x7f", "\x9b"]) {
    refuses(
      () => fields(`a${control}`).name("it"),
      "with control characters, expected a plain name",
    );
  }
});

Deno.test("Fields: hexadecimal digits, exactly as many, lower case", () => {
  assertEquals(fields("0aff").optionalHex("it", 2), "0aff");
  for (const wrong of ["0af", "0affe", "0aFf", "0xff"]) {
    refuses(
      () => fields(wrong).optionalHex("it", 2),
      `${wrong.length} characters, expected 4 lower-case hexadecimal digits`,
    );
  }
});

Deno.test("Fields: a side is host or client", () => {
  assertEquals(fields("host").side("it"), "host");
  assertEquals(fields("client").side("it"), "client");
  refuses(() => fields("Host").side("it"), '"Host", expected host or client');
});

Deno.test("Fields: numbers in range, whole unless said otherwise, bigint too", () => {
  assertEquals(fields(7).number("it", 7), 7);
  assertEquals(fields(7n).number("it", 7), 7);
  assertEquals(fields(0.5).number("it", 7, true), 0.5);
  for (const wrong of [8, -1, 0.5, NaN, Infinity, 8n, -1n, 2n ** 64n]) {
    refuses(
      () => fields(wrong).number("it", 7),
      `${wrong}, expected a whole number from 0 to 7`,
    );
  }
  refuses(
    () => fields("7").number("it", 7, true),
    "string, expected a number from 0 to 7",
  );
});

Deno.test("Fields: flags are booleans", () => {
  assertEquals(fields(true).flag("it"), true);
  refuses(() => fields(1).flag("it"), "1, expected true or false");
});

Deno.test("Fields: JSON of an object", () => {
  assertEquals(fields('{"a":1}').optionalJson("it", 99), '{"a":1}');
  for (const wrong of ["{", "[]", "null", "1", " "]) {
    refuses(
      () => fields(wrong).optionalJson("it", 99),
      "not JSON of an object, expected a JSON object",
    );
  }
});
