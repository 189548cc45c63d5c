import { assertEquals } from "@std/assert";
import {
  CALL_OF_MESSAGE_TYPE,
  CHANNEL_KEY,
  CTRL_TYPE,
  KEY,
  MESSAGE_TYPE,
  PING,
  PONG,
  REASON,
} from "../../../../proto/wire/keys.ts";

Deno.test("keys: ping is SLP and pong is SLA", () => {
  assertEquals(new TextDecoder().decode(PING as Uint8Array), "SLP");
  assertEquals(new TextDecoder().decode(PONG as Uint8Array), "SLA");
});

Deno.test("keys: no two names of one table share a word", () => {
  for (
    const table of [KEY, MESSAGE_TYPE, CHANNEL_KEY, CTRL_TYPE, REASON]
  ) {
    const words = Object.values(table);
    assertEquals(new Set(words).size, words.length);
    for (const word of words) assertEquals(/^[a-z0-9_]+$/.test(word), true);
  }
});

Deno.test("keys: every message but the relay's two and the pushed one is a call", () => {
  const { storeEndpoint, getEndpoint, connectionEvent, ...calls } =
    MESSAGE_TYPE;
  assertEquals(
    Object.keys(CALL_OF_MESSAGE_TYPE).sort(),
    Object.values(calls).sort(),
  );
  for (const type of [storeEndpoint, getEndpoint, connectionEvent]) {
    assertEquals(type in CALL_OF_MESSAGE_TYPE, false);
  }
});
