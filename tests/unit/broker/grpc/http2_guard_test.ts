import http2 from "node:http2";
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import {
  guardHttp2,
  hasHttp2Fault,
} from "../../../../broker/grpc/http2_guard.ts";

Deno.test("the guard is for three versions alone", () => {
  const versions = [
    "2.8.3",
    "2.9.3",
    "2.9.4",
    "2.9.5",
    "2.9.6",
    "2.9.7",
    "2.10.4",
  ];
  assertEquals(versions.filter(hasHttp2Fault), ["2.9.4", "2.9.5", "2.9.6"]);
});

Deno.test("other versions are left as they are", () => {
  const { createServer, connect } = http2;
  assertEquals(guardHttp2("2.9.3"), false);
  assertStrictEquals(http2.createServer, createServer);
  assertStrictEquals(http2.connect, connect);
});

Deno.test("a guarded session closes on a later turn of the loop", async () => {
  const before = { ...http2 };
  try {
    assertEquals(guardHttp2("2.9.5"), true);
    const { createServer } = http2;
    assertEquals(guardHttp2("2.9.5"), true);
    assertStrictEquals(http2.createServer, createServer, "guarded once");
    const done: unknown[] = [];
    const session = {
      close: (callback: unknown) => done.push("close", callback),
      destroy: (code: unknown) => done.push("destroy", code),
    };
    const server = http2.createServer();
    server.emit("session", session as never);
    session.close(1);
    session.destroy(8);
    await Promise.resolve();
    assertEquals(done, []);
    await new Promise((resolve) => setImmediate(resolve));
    assertEquals(done, ["close", 1, "destroy", 8]);
    server.close();
  } finally {
    Object.assign(http2, before);
  }
  assert(http2.createServer === before.createServer);
});
