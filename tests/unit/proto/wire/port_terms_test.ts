import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { BridgeError } from "../../../../proto/errors.ts";
import { connectionSchema } from "../../../../proto/schema/connection_schema.ts";
import { VideoFrame } from "../../../../proto/mod.ts";
import { port, type PortMap } from "../../../../proto/schema/port.ts";
import { agreePorts } from "../../../../proto/schema/port_agreement.ts";
import {
  parsePortsMessage,
  portsMessage,
} from "../../../../proto/wire/port_terms.ts";
import {
  uint64,
  type XpcDictionary,
} from "../../../../proto/wire/xpc_value.ts";

const inputs = (map: PortMap) => connectionSchema({ inputs: map }).inputs;
const LATEST = { read_behavior: "skip_to_latest" } as const;
const IN_ORDER = { read_behavior: "read_next_in_order" } as const;

/** What the host makes of the message of a module with these ports. */
function heard(host: PortMap, module: PortMap) {
  const [hosts, modules] = [inputs(host), inputs(module)];
  const { terms } = agreePorts("input", hosts, modules);
  return parsePortsMessage("input", hosts, portsMessage(terms, modules));
}

Deno.test("port terms: the host hears what the client uses", () => {
  const strict = port(VideoFrame, { ...IN_ORDER, capacity: 3 });
  const expected = new Map([["a", { ...IN_ORDER, capacity: 3, minor: 0 }]]);
  assertEquals(heard({ a: VideoFrame }, { a: strict }), expected);
  assertEquals(heard({ a: strict }, { a: VideoFrame }), expected);
  const optional = port(VideoFrame, { required: false });
  assertEquals(heard({ a: strict, b: optional }, { a: strict }), expected);
});

Deno.test("port terms: two sides that each name another read behavior are refused, both named", () => {
  const [latest, inOrder] = [
    port(VideoFrame, LATEST),
    port(VideoFrame, IN_ORDER),
  ];
  for (const [host, module] of [[latest, inOrder], [inOrder, latest]]) {
    const error = heard({ a: host! }, { a: module! });
    assert(error instanceof BridgeError);
    assertEquals(error.code, "schema_mismatch");
    for (const words of ["'a'", "skip_to_latest", "read_next_in_order"]) {
      assertStringIncludes(error.message, words);
    }
  }
  assert(heard({ a: latest }, { a: latest }) instanceof Map);
});

Deno.test("port terms: a client that says nothing of its ports uses the host's", () => {
  const hosts = inputs({ a: VideoFrame });
  assertEquals(
    parsePortsMessage("input", hosts, undefined),
    new Map([["a", { ...LATEST, capacity: 4, minor: 0 }]]),
  );
});

Deno.test("port terms: a client can be stricter than its host, not less strict", () => {
  const hosts = inputs({ a: port(VideoFrame, { ...IN_ORDER, capacity: 4 }) });
  const good = { ...IN_ORDER, capacity: uint64(4) };
  const tell = (used: XpcDictionary) =>
    parsePortsMessage("input", hosts, { a: used });
  assert(tell(good) instanceof Map);
  for (
    const bad of [
      { ...good, read_behavior: "skip_to_latest" },
      { ...good, read_behavior: "sometimes" },
      { ...good, capacity: uint64(0) },
      { ...good, capacity: uint64(5) },
      { ...good, capacity: 4n as never },
      {},
    ]
  ) {
    const error = tell(bad);
    assert(error instanceof BridgeError);
    assertEquals(error.code, "malformed_message");
    assertStringIncludes(error.message, "'a'");
  }
  assertEquals(
    (parsePortsMessage("input", hosts, {}) as BridgeError).code,
    "schema_mismatch",
  );
});
