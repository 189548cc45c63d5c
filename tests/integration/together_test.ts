import { assert, assertEquals, assertMatch } from "@std/assert";
import type { HostLine } from "../fixtures/exchanging_host.ts";
import { Checkout, type Program } from "../helpers/checkout.ts";
import { HOST_NEEDS, permittedTest } from "../helpers/permitted.ts";

/** Brokers of several kinds and versions on one machine, each in a checkout and a process of its own. */

type Variables = Readonly<Record<string, string>>;

/** An empty home directory, and the environment that names it. */
class User implements Disposable {
  readonly home: string = Deno.makeTempDirSync({ prefix: "streamlib-user-" });
  readonly env: Variables = {
    HOME: this.home,
    XDG_RUNTIME_DIR: `${this.home}/runtime`,
    XDG_CONFIG_HOME: "",
    STREAMLIB_HOME: "",
    STREAMLIB_DEV_MODE: "",
    STREAMLIB_BROKER_XPC_SERVICE: "",
    STREAMLIB_BROKER_ENDPOINT: "",
    DENO_DIR: Deno.env.get("DENO_DIR") ?? `${Deno.env.get("HOME")}/.cache/deno`,
  };

  constructor() {
    Deno.mkdirSync(`${this.home}/runtime`, { mode: 0o700 });
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.home, { recursive: true });
  }
}

/** A broker that serves, with the line that it wrote at its start. */
interface Served {
  readonly program: Program;
  readonly xpc_service: string;
  readonly grpc: string;
  readonly version: string;
}

/** Starts a broker; `held` ends it. */
async function startBroker(
  held: AsyncDisposableStack,
  checkout: Checkout,
  env: Variables,
): Promise<Served> {
  const program = held.use(
    checkout.run(["-P=broker", "broker/main.ts", "--json"], env),
  );
  return { program, ...JSON.parse(await program.line(() => true)) };
}

/** Starts a host; `held` ends it. */
function startHost(
  held: AsyncDisposableStack,
  checkout: Checkout,
  env: Variables,
  id: string,
): Program {
  return held.use(checkout.run(
    [
      "--allow-ffi",
      "--allow-run",
      "--allow-env",
      "--allow-read",
      "tests/fixtures/exchanging_host.ts",
      id,
    ],
    env,
  ));
}

/** The broker that a host found, once it is ready. */
async function brokerOf(
  host: Program,
): Promise<{ service: string; embedded: boolean }> {
  const line = JSON.parse(await host.line(() => true)) as HostLine;
  assert("service" in line, JSON.stringify(line));
  return line;
}

function exchanged(host: Program): number {
  const line = JSON.parse(host.last) as HostLine;
  return "exchanged" in line ? line.exchanged : 0;
}

/** Returns when a host has exchanged some more frames. */
async function goesOn(host: Program): Promise<void> {
  const enough = exchanged(host) + 20;
  await host.line((line) => line === JSON.stringify({ exchanged: enough }));
}

/** What `streamlib` writes. */
async function cli(
  checkout: Checkout,
  env: Variables,
  ...args: string[]
): Promise<string> {
  await using program = checkout.run(
    ["-P=cli", "cli/main.ts", ...args],
    env,
  );
  await program.line((line) => line === "]" || line === "}");
  return program.lines.join("\n");
}

async function endsWell(host: Program): Promise<void> {
  assertEquals((await host.end()).code, 0, host.last);
}

permittedTest(
  "two checkouts in dev mode never meet, and neither meets the broker that is not of one",
  { ...HOST_NEEDS, exhaustive: true },
  async () => {
    using user = new User();
    const dev = { ...user.env, STREAMLIB_DEV_MODE: "1" };
    await using one = await Checkout.make();
    await using other = await Checkout.make();
    await using held = new AsyncDisposableStack();
    const brokers = await Promise.all([
      startBroker(held, one, dev),
      startBroker(held, other, dev),
      startBroker(held, one, user.env),
    ]);
    const services = brokers.map(({ xpc_service }) => xpc_service);
    assertEquals(new Set(services).size, 3);
    assertEquals(services[2], "com.tatolab.streamlib.broker");
    for (const service of services.slice(0, 2)) {
      assertMatch(
        service,
        /^com\.tatolab\.streamlib\.broker\.dev-[0-9a-f]{6}$/,
      );
    }
    const hosts = [
      startHost(held, one, dev, "of-one"),
      startHost(held, other, dev, "of-other"),
      startHost(held, one, user.env, "of-neither"),
    ];
    assertEquals(
      await Promise.all(hosts.map(brokerOf)),
      services.map((service) => ({ service, embedded: false })),
    );
    const processors = async (
      checkout: Checkout,
      env: Variables,
    ): Promise<string[]> =>
      JSON.parse(await cli(checkout, env, "broker", "connections", "--json"))
        .map(({ processor_id }: { processor_id: string }) => processor_id);
    assertEquals(await processors(one, dev), ["of-one"]);
    assertEquals(await processors(other, dev), ["of-other"]);
    assertEquals(await processors(other, user.env), ["of-neither"]);
    for (const host of hosts) await endsWell(host);
  },
);

permittedTest(
  "an embedded broker and an installed one at once: each host keeps the one that it found",
  { ...HOST_NEEDS, exhaustive: true },
  async () => {
    using user = new User();
    await using checkout = await Checkout.make();
    await using held = new AsyncDisposableStack();
    const early = startHost(held, checkout, user.env, "early");
    assert((await brokerOf(early)).embedded);
    const broker = await startBroker(held, checkout, user.env);
    const late = startHost(held, checkout, user.env, "late");
    assertEquals(await brokerOf(late), {
      service: broker.xpc_service,
      embedded: false,
    });
    await goesOn(early);
    await goesOn(late);
    broker.program.signal("SIGTERM");
    assertEquals((await broker.program.end()).code, 0);
    // Neither side needs the broker any more.
    await goesOn(early);
    await goesOn(late);
    const last = startHost(held, checkout, user.env, "last");
    assert((await brokerOf(last)).embedded);
    for (const host of [early, late, last]) await endsWell(host);
  },
);

permittedTest(
  "a broker is upgraded while channels run: no frame is lost, and the new one serves who comes",
  HOST_NEEDS,
  async () => {
    using user = new User();
    await using old = await Checkout.make();
    await using upgraded = await Checkout.make();
    await upgraded.edit("deno.json", `"version": "`, `"version": "9.`);
    await using held = new AsyncDisposableStack();
    const before = await startBroker(held, old, user.env);
    const running = startHost(held, old, user.env, "running");
    assert(!(await brokerOf(running)).embedded);
    before.program.signal("SIGTERM");
    assertEquals((await before.program.end()).code, 0);
    const after = await startBroker(held, upgraded, user.env);
    assertEquals(after.version, `9.${before.version}`);
    await goesOn(running);
    const status = JSON.parse(
      await cli(old, user.env, "broker", "status", "--json"),
    );
    assertEquals(status.version, after.version);
    const next = startHost(held, old, user.env, "next");
    assertEquals((await brokerOf(next)).service, after.xpc_service);
    await goesOn(next);
    for (const host of [running, next]) await endsWell(host);
  },
);

permittedTest(
  "a broker of another protocol is refused by name, by who comes; what runs goes on",
  { ...HOST_NEEDS, exhaustive: true },
  async () => {
    using user = new User();
    await using old = await Checkout.make();
    await using next = await Checkout.make();
    await next.edit(
      "proto/wire/keys.ts",
      "PROTOCOL_VERSION = 1",
      "PROTOCOL_VERSION = 2",
    );
    await using held = new AsyncDisposableStack();
    const before = await startBroker(held, old, user.env);
    const running = startHost(held, old, user.env, "running");
    await brokerOf(running);
    before.program.signal("SIGTERM");
    await before.program.end();
    await startBroker(held, next, user.env);
    const comes = startHost(held, old, user.env, "comes");
    const { error } = JSON.parse(await comes.line(() => true));
    assertMatch(error, /version 2\b/);
    assertMatch(error, /this side speaks 1\b/);
    assertEquals((await comes.end()).code, 1);
    await goesOn(running);
    await endsWell(running);
  },
);
