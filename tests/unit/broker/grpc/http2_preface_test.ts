import { assertEquals } from "@std/assert";
import {
  judgePreface,
  PREFACE_BYTES,
} from "../../../../broker/grpc/http2_preface.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const MAGIC = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SETTINGS = "\0\0\x06\x04\0\0\0\0\0";
const PREFACE = bytes(MAGIC + SETTINGS);

Deno.test("every beginning of a preface can become one, the whole is one", () => {
  assertEquals(PREFACE.length, PREFACE_BYTES);
  for (let length = 0; length < PREFACE.length; length++) {
    assertEquals(
      judgePreface(PREFACE.subarray(0, length)),
      "more",
      `${length}`,
    );
  }
  assertEquals(judgePreface(PREFACE), "http2");
  assertEquals(judgePreface(bytes(MAGIC + SETTINGS + "\x01\x02")), "http2");
});

Deno.test("a wrong byte is seen as soon as it comes", () => {
  for (let wrong = 0; wrong < MAGIC.length; wrong++) {
    const other = PREFACE.slice(0, wrong + 1);
    other[wrong] = other[wrong]! ^ 1;
    assertEquals(judgePreface(other), "other", `byte ${wrong}`);
  }
  assertEquals(judgePreface(bytes("GET / HTTP/1.1\r\n")), "other");
});

Deno.test("the first frame must be SETTINGS", () => {
  assertEquals(judgePreface(bytes(MAGIC + "\0\0\x06\x01")), "other");
});
