import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  BridgeError,
  ContinuousHost,
  DataFrame,
  type HostOptions,
  ManualHost,
  port,
  type PortMap,
  type PortOptions,
  type ProcessorHost,
  ReactiveHost,
} from "../../host/mod.ts";
import { testClient } from "../helpers/client_module.ts";
import { isolatedHome } from "../helpers/home.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { soon } from "../helpers/soon.ts";

const SERVING = {
  run: true,
  read: true,
  write: true,
  env: true,
  service: true,
} as const;
const IN_ORDER = { read_behavior: "read_next_in_order" } as const;
const LATEST = { read_behavior: "skip_to_latest" } as const;
const TEMPLATE = { data: Uint8Array.of(1), schema_name: "", timestamp_ns: 0n };

function options(
  fixture: string,
  env: Record<string, string>,
  ports: PortMap,
): HostOptions<PortMap, PortMap> {
  return {
    ...testClient(fixture),
    inputs: ports,
    outputs: ports,
    env,
    output: () => {},
  };
}

/** A host whose module declares the ports `declared`. */
function launch(
  ports: PortMap,
  declared: Record<string, PortOptions>,
): ReactiveHost<PortMap, PortMap> {
  const env = { PORTS: JSON.stringify(declared) };
  return ReactiveHost.launch(options("declared_ports.ts", env, ports));
}

/** Sends `count` frames on port `a`, and returns the numbers of those that came back. */
async function exchange(
  host: ReactiveHost<PortMap, PortMap>,
  count: number,
): Promise<number[]> {
  const [input, output] = [host.input["a"]!, host.output["a"]!];
  const came: number[] = [];
  const reading = (async () => {
    while (came.length < count) {
      using frame = await output.next();
      if (!frame) return;
      came.push(Number(frame["timestamp_ns"]));
    }
  })();
  for (let n = 0; n < count; n++) {
    await soon(input.ready, `room for frame ${n}`);
    using frame = input.acquire({ ...TEMPLATE, timestamp_ns: BigInt(n) });
    assert(input.send(frame));
  }
  await soon(reading, "all frames are back");
  return came;
}

for (
  const [what, host, module] of [
    ["the client", {}, { ...IN_ORDER, capacity: 8 }],
    ["the host", { ...IN_ORDER, capacity: 8 }, {}],
  ] as const
) {
  permittedTest(
    `ports: if ${what} alone wants every frame in order, both sides do, and none is lost`,
    SERVING,
    async () => {
      using _ = isolatedHome();
      await using one = launch({ a: port(DataFrame, host) }, { a: module });
      await soon(one.ready, "ready");
      for (
        const { read_behavior, capacity } of [one.input, one.output].map((p) =>
          p["a"]!
        )
      ) {
        assertEquals([read_behavior, capacity], ["read_next_in_order", 8]);
      }
      assertEquals(
        await exchange(one, 50),
        Array.from({ length: 50 }, (_, n) => n),
      );
      const { sent, received, dropped, peer_dropped } = one.stats;
      assertEquals([sent, received, dropped, peer_dropped], [50, 50, 0, 0]);
    },
  );
}

permittedTest(
  "ports: two read behaviors that contradict are refused, both named",
  SERVING,
  async () => {
    using _ = isolatedHome();
    await using host = launch({ a: port(DataFrame, LATEST) }, { a: IN_ORDER });
    const error = await assertRejects(
      () => soon(host.ready, "the refusal"),
      BridgeError,
    );
    assertEquals(error.code, "schema_mismatch");
    for (const words of ["'a'", "skip_to_latest", "read_next_in_order"]) {
      assertStringIncludes(error.message, words);
    }
  },
);

for (const mode of ["reactive", "continuous", "manual"] as const) {
  const HOSTS: Readonly<
    Record<
      typeof mode,
      {
        launch(
          options: HostOptions<PortMap, PortMap>,
        ): ProcessorHost<PortMap, PortMap>;
      }
    >
  > = {
    reactive: ReactiveHost,
    continuous: ContinuousHost,
    manual: ManualHost,
  };
  permittedTest(
    `ports: ${mode}: without its optional ports a module receives nothing there, and what it sends is dropped`,
    SERVING,
    async () => {
      using _ = isolatedHome();
      for (const has of [true, false]) {
        const ports = has ? { a: DataFrame, b: DataFrame } : { a: DataFrame };
        await using host = HOSTS[mode].launch(
          options("optional_ports.ts", { MODE: mode }, ports),
        );
        if (host instanceof ManualHost) host.start();
        await soon(host.ready, "ready");
        using frame = host.input["a"]!.acquire(TEMPLATE);
        assert(host.input["a"]!.send(frame));
        using out = await soon(host.output["a"]!.next(), "the answer");
        assertEquals(JSON.parse(out!["schema_name"] as string), {
          input: has,
          output: has,
          sent: has,
          next: has ? "" : "undefined",
          ready: has ? "" : "closed",
        });
      }
    },
  );
}

permittedTest(
  "ports: a host's optional port that the module lacks sends and receives nothing",
  SERVING,
  async () => {
    using _ = isolatedHome();
    const optional = port(DataFrame, { required: false });
    await using host = launch({ a: DataFrame, b: optional }, { a: {} });
    const early = host.output["b"]!.next();
    const waiting = host.input["b"]!.ready.catch(({ code }) => code);
    await soon(host.ready, "ready");
    const [input, output] = [host.input["b"]!, host.output["b"]!];
    assertEquals([input.connected, output.connected], [false, false]);
    assertEquals(
      await soon(early, "the end of a port without a sender"),
      undefined,
    );
    assertEquals(await soon(waiting, "the refusal of ready"), "closed");
    using frame = input.acquire(TEMPLATE);
    assertEquals(input.send(frame), false);
    assertEquals(input.stats, { sent: 0, dropped: 1, waiting: 0 });
    assert(host.input["a"]!.connected);
    assertEquals(await exchange(host, 1), [0]);
  },
);

permittedTest(
  "ports: a required port that one side lacks is refused by name",
  SERVING,
  async () => {
    using _ = isolatedHome();
    for (
      const [ports, declared, name] of [
        [{ b: DataFrame }, { a: {}, b: { required: false } }, "'a'"],
        [{ a: DataFrame, b: DataFrame }, { a: {} }, "'b'"],
      ] as const
    ) {
      await using host = launch(ports, declared);
      const error = await assertRejects(
        () => soon(host.ready, "the refusal"),
        BridgeError,
        name,
      );
      assertEquals(error.code, "schema_mismatch");
    }
  },
);
