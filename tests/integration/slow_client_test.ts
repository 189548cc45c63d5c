import { assert, assertEquals } from "@std/assert";
import { DataFrame, ReactiveHost } from "../../host/mod.ts";
import { MAX_UNCONFIRMED_FRAMES } from "../../proto/limits.ts";
import { testClient } from "../helpers/client_module.ts";
import { isolatedHome } from "../helpers/home.ts";
import { HOST_NEEDS, permittedTest } from "../helpers/permitted.ts";
import { lapse, soon, until } from "../helpers/soon.ts";

const ON_LINUX = { ...HOST_NEEDS, linux: "/proc" } as const;
const PORTS = { data: DataFrame };
type Ports = typeof PORTS;

function launch(): ReactiveHost<Ports, Ports> {
  return ReactiveHost.launch({
    ...testClient("slow_data.ts"),
    inputs: PORTS,
    outputs: PORTS,
    output: () => {},
  });
}

function send(host: ReactiveHost<Ports, Ports>, number: number): boolean {
  using frame = host.input.data.acquire({
    data: new Uint8Array(100_000), // more than a packet holds: a descriptor each
    schema_name: "slow",
    timestamp_ns: BigInt(number),
  });
  return host.input.data.send(frame);
}

const descriptors = (): number => [...Deno.readDirSync("/proc/self/fd")].length;

/** Reads until the frame of this number is back. */
async function comesBack(
  host: ReactiveHost<Ports, Ports>,
  number: number,
): Promise<void> {
  await until(`frame ${number} is back`, () => {
    using frame = host.output.data.get();
    return frame?.timestamp_ns === BigInt(number);
  });
}

permittedTest(
  "a client that is stopped costs its host a few frames, and when it goes on it gets the newest one",
  ON_LINUX,
  async () => {
    using _ = isolatedHome();
    await using host = launch();
    await soon(host.ready, "ready");
    send(host, 0);
    await comesBack(host, 0);
    const before = descriptors();
    Deno.kill(host.clientPid, "SIGSTOP");
    for (let n = 1; n <= 500; n++) {
      assert(send(host, n));
      if (n % 50 === 0) await lapse(1);
    }
    const { sent, dropped, waiting } = host.input.data.stats;
    assert(sent <= 1 + MAX_UNCONFIRMED_FRAMES, `sent ${sent}`);
    assertEquals([waiting, sent + dropped + waiting], [1, 501]);
    const grown = descriptors() - before;
    assert(grown <= MAX_UNCONFIRMED_FRAMES, `${grown} more descriptors`);
    Deno.kill(host.clientPid, "SIGCONT");
    await comesBack(host, 500);
    assertEquals(host.input.data.stats.waiting, 0);
  },
);

permittedTest(
  "a slow client reads ever newer frames and at last the newest one, and every frame is counted",
  HOST_NEEDS,
  async () => {
    using _ = isolatedHome();
    await using host = launch();
    await soon(host.ready, "ready");
    let number = 0, last = -1, results = 0;
    await until("ten results", async () => {
      for (let n = 0; n < 20; n++) assert(send(host, number++));
      await lapse(1);
      using frame = host.output.data.get();
      if (!frame) return false;
      assert(Number(frame.timestamp_ns) > last);
      last = Number(frame.timestamp_ns);
      return ++results === 10;
    });
    await comesBack(host, number - 1);
    const { sent, dropped, waiting } = host.input.data.stats;
    assertEquals([waiting, sent + dropped], [0, number]);
    // The client skips all but the newest frame of those that it finds.
    assert(host.stats.peer_dropped > 0);
  },
);
