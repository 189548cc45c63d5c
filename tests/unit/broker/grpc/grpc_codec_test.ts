import { assertEquals, assertThrows } from "@std/assert";
import { createCodecs } from "../../../../broker/grpc/grpc_codec.ts";
import { DESCRIPTOR } from "../../../../proto/broker_gen.ts";

const codecs = createCodecs();
const throughBytes = (name: string, message: object): object =>
  codecs(name).decode(codecs(name).encode(message));

Deno.test("absent fields are their defaults", () => {
  assertEquals(codecs("GetHealthResponse").encode({}).length, 0);
  assertEquals(throughBytes("GetHealthResponse", {}), {
    healthy: false,
    status: "",
    uptime_secs: 0,
    quotas: [],
    refused_count: 0,
    silent_count: 0,
    over_budget_count: 0,
    malformed_count: 0,
  });
  assertEquals(throughBytes("ListRuntimesResponse", {}), { runtimes: [] });
});

Deno.test("of a oneof only what was given is there, empty or not", () => {
  const name = "GetRuntimeEndpointRequest";
  assertEquals(throughBytes(name, {}), {});
  assertEquals(throughBytes(name, { runtime_id: "" }), { runtime_id: "" });
  assertEquals(throughBytes(name, { name: "a" }), { name: "a" });
});

Deno.test("64-bit fields are numbers, up to the greatest safe one", () => {
  const stats = {
    connection_id: "1",
    side: "host",
    path: "lane",
    frames: Number.MAX_SAFE_INTEGER,
    bytes: 5_000_000_000,
    dropped: 1,
    p50_us: 0.3,
    p99_us: 1.5,
    hangs: 2,
    settings_json: "",
  };
  assertEquals(throughBytes("ReportStatsRequest", stats), stats);
});

Deno.test("the bytes are those of proto3", () => {
  // Field 1 of wire type 2, length 2; field 2 of wire type 2, length 4.
  assertEquals(
    [
      ...codecs("MarkAckedRequest").encode({
        connection_id: "ab",
        side: "host",
      }),
    ],
    [0x0a, 2, 0x61, 0x62, 0x12, 4, 0x68, 0x6f, 0x73, 0x74],
  );
  assertEquals(
    [...codecs("AllocateConnectionRequest").encode({ timeout_secs: 300 })],
    [0x20, 0xac, 0x02],
  );
});

Deno.test("unknown fields are passed over, broken bytes are refused", () => {
  const unknown = Uint8Array.of(0x0a, 1, 0x61, 0xfa, 0x07, 1, 0xff);
  assertEquals(codecs("HostAliveRequest").decode(unknown), {
    connection_id: "a",
  });
  const broken = Uint8Array.of(0x0a, 200, 1);
  assertThrows(() => codecs("HostAliveRequest").decode(broken));
});

Deno.test("every message has a codec", () => {
  for (const name of Object.keys(DESCRIPTOR)) {
    assertEquals(codecs(name).encode({}).length, 0, name);
  }
});
