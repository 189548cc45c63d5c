import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type Authority,
  type Claim,
  Gate,
  newConnectionId,
  newTokens,
} from "../../../../broker/registry/auth.ts";
import { BridgeError } from "../../../../proto/errors.ts";
import { FakeWorld } from "../../../helpers/fake_world.ts";
import { Prng } from "../../../helpers/prng.ts";

const TOKENS = { host: "a1".repeat(32), client: "b2".repeat(32) };
const GUARDED: Authority = { id: "c", tokens: TOKENS, peers: {} };

function denied(
  gate: Gate,
  authority: Authority,
  claim: Claim,
  side: "host" | "client" | "either",
): string {
  const before = gate.denied;
  const error = assertThrows(
    () => gate.admit("Act", authority, claim, side),
    BridgeError,
  );
  assertEquals(error.code, "not_permitted");
  assertEquals(gate.denied, before + 1);
  for (const token of [TOKENS.host, TOKENS.client, claim.token]) {
    assert(!token || !error.message.includes(token));
  }
  return error.message.replace("Cannot Act: permission denied: ", "");
}

Deno.test("newConnectionId, newTokens: as many random bits as promised", () => {
  const asked: number[] = [];
  const random = new Prng(1);
  const bytes = (count: number): Uint8Array => {
    asked.push(count);
    return random.bytes(count);
  };
  const id = newConnectionId(bytes);
  const tokens = newTokens(bytes);
  assertEquals(asked, [16, 32, 32]);
  assertEquals([id.length, tokens.host.length, tokens.client.length], [
    32,
    64,
    64,
  ]);
  assert(tokens.host !== tokens.client);
});

Deno.test("Gate: with tokens, a side needs its own, a question either", () => {
  const gate = new Gate(new FakeWorld().log);
  const host = { token: TOKENS.host };
  const client = { token: TOKENS.client };
  assertEquals(gate.admit("Act", GUARDED, host, "host"), "host");
  assertEquals(gate.admit("Act", GUARDED, client, "client"), "client");
  assertEquals(gate.admit("Act", GUARDED, host, "either"), "host");
  assertEquals(gate.admit("Act", GUARDED, client, "either"), "client");
  assertEquals(gate.denied, 0);
  assertEquals(
    denied(gate, GUARDED, client, "host"),
    "wrong token for side host",
  );
  assertEquals(
    denied(gate, GUARDED, host, "client"),
    "wrong token for side client",
  );
  assertEquals(
    denied(gate, GUARDED, { token: "x" }, "either"),
    "wrong token for side host or client",
  );
  for (const claim of [{}, { token: "" }]) {
    assertEquals(
      denied(gate, GUARDED, claim, "client"),
      "no token; the token of side client is needed",
    );
  }
});

Deno.test("Gate: with tokens, the peer proves nothing", () => {
  const gate = new Gate(new FakeWorld().log);
  const authority = { ...GUARDED, peers: { host: 1 } };
  denied(gate, authority, { peer: { id: 1 } }, "host");
  const claim = { token: TOKENS.host, peer: { id: 2 } };
  assertEquals(gate.admit("Act", authority, claim, "host"), "host");
});

Deno.test("Gate: without tokens, the first peer stays the only one, gRPC has none", () => {
  const gate = new Gate(new FakeWorld().log);
  const open: Authority = { id: "c", tokens: undefined, peers: { host: 1 } };
  assertEquals(gate.admit("Act", open, { peer: { id: 1 } }, "host"), "host");
  assertEquals(
    gate.admit("Act", open, { peer: { id: 2 } }, "client"),
    "client",
  );
  assertEquals(gate.admit("Act", open, {}, "host"), "host");
  assertEquals(
    gate.admit("Act", open, { peer: { id: 2 } }, "either"),
    undefined,
  );
  assertEquals(
    denied(gate, open, { peer: { id: 2 } }, "host"),
    "another process is the host of this connection",
  );
});

Deno.test("Gate: 20,000 guesses, none accepted, all counted, few logged", () => {
  const world = new FakeWorld();
  const gate = new Gate(world.log);
  const random = new Prng(1);
  for (let i = 0; i < 20_000; i++) {
    let accepted = true;
    try {
      const token = random.bytes(32).toHex();
      gate.admit("Act", GUARDED, { token }, "either");
    } catch {
      accepted = false;
    }
    assert(!accepted);
  }
  assertEquals(gate.denied, 20_000);
  assertEquals(world.logLines.length, 15);
  assertEquals(world.logLines[14]!.denied_so_far, 16_384);
  assertEquals(world.logLines[0]!.connection_id, "c");
});
