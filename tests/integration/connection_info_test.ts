import { assert, assertEquals, assertRejects } from "@std/assert";
import { BridgeError, ReactiveHost } from "../../host/mod.ts";
import { isolatedHome } from "../helpers/home.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { soon, until } from "../helpers/soon.ts";
import { EVERY_FRAME } from "../fixtures/ports.ts";

permittedTest(
  "a host tells of its connection what the broker sees",
  { run: true, read: true, write: true, env: true, service: true },
  async () => {
    using _ = isolatedHome();
    await using host = ReactiveHost.launch({
      module: new URL("../fixtures/invert.ts", import.meta.url),
      inputs: { video: EVERY_FRAME },
      outputs: { video: EVERY_FRAME },
    });
    assertEquals(await host.connectionInfo(), undefined);
    await soon(host.ready, "ready");
    let info = await host.connectionInfo();
    // The client tells the broker, and nothing waits until it knows.
    await until("the client's ack to be known", async () => {
      info = await host.connectionInfo();
      return info?.client_state === "acked";
    }, () => JSON.stringify(info));
    assertEquals(
      [info?.found, info?.derived_state, info?.host_state, info?.client_state],
      [true, "ready", "acked", "acked"],
    );
    assert(info!.created_at_unix_ms <= info!.client_acked_at_unix_ms);
    assert(info!.client_acked_at_unix_ms <= info!.ready_at_unix_ms);
    await soon(host.close(), "the host's end");
    const failure = await assertRejects(
      () => host.connectionInfo(),
      BridgeError,
    ) as BridgeError;
    assertEquals(failure.code, "closed");
  },
);
