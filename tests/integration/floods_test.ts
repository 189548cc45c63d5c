import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { MAX_SESSIONS_AT_ONCE } from "../../proto/limits.ts";
import { createQuotas } from "../../broker/registry/quotas.ts";
import type { GetHealthResponse } from "../../proto/broker_gen.ts";
import {
  GRPC_NEEDS,
  serveControlPlane,
  type ServedControlPlane,
} from "../helpers/grpc_fixture.ts";
import {
  FRAME,
  frame,
  Http2Peer,
  requestHeaders,
} from "../helpers/http2_peer.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { lapse, until } from "../helpers/soon.ts";

const SANITIZED = { sanitizeOps: true, sanitizeResources: true };
/** Time for streams to close; less of it makes the test prove less, not fail. */
const SETTLE_MS = 200;
const HEALTH = "/streamlib.broker.BrokerService/GetHealth";

function healthy(status = ""): {
  unary: { GetHealth: () => Promise<Partial<GetHealthResponse>> };
} {
  return {
    unary: { GetHealth: () => Promise.resolve({ healthy: true, status }) },
  };
}

/** Asserts that the attacker's session has ended, that the log has its process and `why`, and that others are served. */
async function endedAndNamed(
  { client, carrier, logLines }: ServedControlPlane,
  why: string,
): Promise<void> {
  await until("the record", () => logLines.length > 0);
  await until("the session's end", () => carrier.connectionCount === 1);
  const found = logLines.filter(({ message }) => String(message).includes(why));
  assertEquals(
    found.map(({ pid, level }) => [pid, level]),
    [[Deno.pid, "warn"]],
    JSON.stringify(logLines),
  );
  assertEquals((await client.call("GetHealth", {})).healthy, true);
}

const number = (value: number): Uint8Array =>
  Uint8Array.of(
    value >>> 24,
    value >>> 16 & 255,
    value >>> 8 & 255,
    value & 255,
  );

/** What a flood sends in one go. `first` is the number of a stream that was not used yet. */
const FLOODS: Readonly<Record<string, (first: number) => Uint8Array[]>> = {
  PING: () => [frame(FRAME.ping, 0, 0, new Uint8Array(8))],
  "SETTINGS": () => [frame(FRAME.settings, 0, 0)],
  "WINDOW_UPDATE": () => [frame(FRAME.windowUpdate, 0, 0, number(1))],
  "PRIORITY": (first) => [
    frame(FRAME.priority, 0, first, Uint8Array.of(0, 0, 0, 0, 15)),
  ],
  "frames of an unknown kind": () => [frame(0xcc, 0, 0, new Uint8Array(3))],
  "calls that are reset": (first) => [
    frame(FRAME.headers, FRAME.endHeaders, first, requestHeaders(HEALTH)),
    frame(FRAME.reset, 0, first, number(8)),
  ],
};

for (const reads of [false, true]) {
  for (const [name, flood] of Object.entries(FLOODS)) {
    permittedTest(
      `a flood of ${name} by a peer that ${
        reads ? "reads" : "does not read"
      } ends its connection, and others are served`,
      GRPC_NEEDS,
      async () => {
        await using served = await serveControlPlane(healthy());
        await served.client.call("GetHealth", {});
        using peer = await Http2Peer.connect(served.path);
        if (reads) peer.drain();
        let stream = 1;
        while (
          await peer.send(
            ...Array.from({ length: 500 }, () => {
              const frames = flood(stream);
              stream += 2;
              return frames;
            }).flat(),
          )
        );
        await until(
          "the session's end",
          () => served.carrier.connectionCount === 1,
        );
        assertEquals(
          (await served.client.call("GetHealth", {})).healthy,
          true,
        );
        assert(
          stream < 200_000,
          `${stream} streams' worth of frames were taken`,
        );
      },
      SANITIZED,
    );
  }
}

permittedTest(
  "answers that are not read are charged, and end the session at the budget",
  GRPC_NEEDS,
  async () => {
    const quotas = createQuotas({ answers: 400_000 }); // 100,000 for a process
    await using served = await serveControlPlane(healthy("x".repeat(5_000)), {
      quotas,
    });
    await served.client.call("GetHealth", {});
    await until("nothing to be charged", () => quotas.answers.used === 0);
    using peer = await Http2Peer.connect(served.path);
    // SETTINGS_INITIAL_WINDOW_SIZE 0: no answer may be sent.
    await peer.send(
      frame(FRAME.settings, 0, 0, Uint8Array.of(0, 4, 0, 0, 0, 0)),
    );
    peer.drain();
    for (let stream = 1; stream < 200; stream += 2) {
      const sent = await peer.send(
        frame(FRAME.headers, FRAME.endHeaders, stream, requestHeaders(HEALTH)),
        frame(FRAME.data, FRAME.endStream, stream, new Uint8Array(5)),
      );
      if (!sent) break;
    }
    await endedAndNamed(served, "does not read its answers");
    await until("nothing to be charged", () => quotas.answers.used === 0);
  },
  SANITIZED,
);

permittedTest(
  "answers that are read are charged no longer, however many there are",
  GRPC_NEEDS,
  async () => {
    const quotas = createQuotas({ answers: 400_000 });
    await using served = await serveControlPlane(healthy("x".repeat(50_000)), {
      quotas,
    });
    for (let i = 0; i < 30; i++) await served.client.call("GetHealth", {});
    await until("nothing to be charged", () => quotas.answers.used === 0);
    assertEquals(served.logLines, []);
  },
  SANITIZED,
);

permittedTest(
  "a peer that goes while answers wait for it is discharged once, and others are served",
  GRPC_NEEDS,
  async () => {
    const quotas = createQuotas({ answers: 40_000_000 });
    await using served = await serveControlPlane(healthy("x".repeat(60_000)), {
      quotas,
    });
    await served.client.call("GetHealth", {});
    await until("nothing to be charged", () => quotas.answers.used === 0);
    const peer = await Http2Peer.connect(served.path);
    // Windows without end: node:http2 closes each stream, and the bytes wait for the socket.
    await peer.send(
      frame(FRAME.settings, 0, 0, Uint8Array.of(0, 4, ...number(0x7fff_ffff))),
      frame(FRAME.windowUpdate, 0, 0, number(0x7fff_0000)),
    );
    const calls = 30;
    for (let stream = 1; stream < 2 * calls; stream += 2) {
      await peer.send(
        frame(FRAME.headers, FRAME.endHeaders, stream, requestHeaders(HEALTH)),
        frame(FRAME.data, FRAME.endStream, stream, new Uint8Array(5)),
      );
    }
    await until(
      "all answers to be charged",
      () => quotas.answers.used >= calls * 60_000,
    );
    await lapse(SETTLE_MS);
    peer[Symbol.dispose]();
    await until("the end", () => served.carrier.connectionCount === 1);
    await until("nothing to be charged", () => quotas.answers.used === 0);
    assertEquals((await served.client.call("GetHealth", {})).healthy, true);
  },
  SANITIZED,
);

permittedTest(
  "a request that never ends is answered in time, and others are served",
  { ...GRPC_NEEDS, exhaustive: true },
  async () => {
    await using served = await serveControlPlane(healthy());
    await served.client.call("GetHealth", {});
    using peer = await Http2Peer.connect(served.path);
    const text = peer.collect();
    await peer.send(
      frame(FRAME.headers, FRAME.endHeaders, 1, requestHeaders(HEALTH)),
      frame(FRAME.data, 0, 1, Uint8Array.of(0, 0, 0, 1, 0)),
    );
    assertEquals((await served.client.call("GetHealth", {})).healthy, true);
    // HEADERS that end the stream: a status without an answer.
    await until(
      "the status",
      () =>
        text().some(({ kind, flags }) =>
          kind === FRAME.headers && (flags & FRAME.endStream) !== 0
        ),
    );
  },
  SANITIZED,
);

permittedTest(
  "a process that opens one connection after the other is refused by name, and keeps the one that it has",
  GRPC_NEEDS,
  async () => {
    await using served = await serveControlPlane(healthy());
    await served.client.call("GetHealth", {});
    let opened = 1;
    await until("the record", async () => {
      for (let i = 0; i < 100; i++, opened++) {
        using _ = await Deno.connect({ transport: "unix", path: served.path });
      }
      return served.logLines.length > 0;
    });
    assert(opened >= MAX_SESSIONS_AT_ONCE, `${opened} were opened`);
    const [line] = served.logLines;
    assertEquals([line?.["pid"], line?.["level"]], [Deno.pid, "warn"]);
    assertStringIncludes(
      String(line?.["message"]),
      `process ${Deno.pid} has opened ${MAX_SESSIONS_AT_ONCE} gRPC connections`,
    );
    assertEquals((await served.client.call("GetHealth", {})).healthy, true);
  },
  SANITIZED,
);
