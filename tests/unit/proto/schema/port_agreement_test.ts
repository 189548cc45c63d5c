import { assertEquals, assertThrows } from "@std/assert";
import { BridgeError } from "../../../../proto/errors.ts";
import { connectionSchema } from "../../../../proto/schema/connection_schema.ts";
import { port, type PortMap } from "../../../../proto/schema/port.ts";
import { agreePorts } from "../../../../proto/schema/port_agreement.ts";
import { AudioFrame, DataFrame, VideoFrame } from "../../../../proto/mod.ts";

function agree(hosts: PortMap, modules: PortMap) {
  return agreePorts(
    "input",
    connectionSchema({ inputs: hosts }).inputs,
    connectionSchema({ inputs: modules }).inputs,
  );
}

const IN_ORDER = { read_behavior: "read_next_in_order" } as const;

Deno.test("ports: the stricter side holds, whichever it is", () => {
  const strict = port(VideoFrame, { ...IN_ORDER, capacity: 2 });
  for (const [hosts, modules] of [[strict, VideoFrame], [VideoFrame, strict]]) {
    assertEquals(agree({ a: hosts! }, { a: modules! }).terms.get("a"), {
      read_behavior: "read_next_in_order",
      capacity: 2,
      schema: VideoFrame,
      minor: 0,
    });
  }
  const mixed = agree(
    { a: port(VideoFrame, { capacity: 2 }) },
    { a: port(VideoFrame, { ...IN_ORDER, capacity: 9 }) },
  );
  assertEquals(mixed.terms.get("a"), {
    ...IN_ORDER,
    capacity: 2,
    schema: VideoFrame,
    minor: 0,
  });
});

Deno.test("ports: an optional port may be missing on the other side, a required one may not", () => {
  const optional = port(AudioFrame, { required: false });
  const hosts = agree({ a: VideoFrame, b: optional }, { a: VideoFrame });
  assertEquals([...hosts.terms.keys()], ["a"]);
  assertEquals(hosts.unconnected, {});
  const modules = agree({ a: VideoFrame }, { a: VideoFrame, b: optional });
  assertEquals([...modules.terms.keys()], ["a"]);
  assertEquals(Object.keys(modules.unconnected), ["b"]);
  for (
    const [given, declared, words] of [
      [{}, { a: VideoFrame }, "'a' differs: the module has VideoFrame"],
      [{ a: VideoFrame }, {}, "'a' differs: the module has no such port"],
      [{ a: VideoFrame, b: DataFrame }, {}, "'b'"],
      [{ a: VideoFrame }, { a: DataFrame }, "the host VideoFrame"],
      [{ a: VideoFrame, b: optional }, { b: optional }, "'a'"],
    ] as const
  ) {
    const error = assertThrows(
      () => agree(given, declared),
      BridgeError,
      words,
    );
    assertEquals(error.code, "schema_mismatch");
  }
});
