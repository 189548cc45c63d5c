/** How a host of a test finds a broker: it runs its own. And how its client is started there. */

import type { Bootstrap } from "../../ffi/bootstrap.ts";
import { makeBroker } from "../../host/assembly.ts";
import { findBroker } from "../../host/broker_finder.ts";
import type { SupervisorOptions } from "../../host/supervisor.ts";
import type { PortMap } from "../../proto/schema/port.ts";

/** Starts a broker in the host's process; nobody serves the name that is looked up first. */
export const findEmbedded: SupervisorOptions<PortMap, PortMap>["findBroker"] = (
  native,
  lost,
  signal,
) =>
  findBroker(
    native,
    { given: undefined, fallback: "com.example.none", embed: makeBroker },
    lost,
    signal,
  );

/** Starts a client in the bootstrap of its host's broker: `start` gets the variable for its environment. */
export function startedIn<T>(
  bootstrap: Bootstrap | undefined,
  start: (channel: Readonly<Record<string, string>>) => T,
): T {
  return bootstrap ? bootstrap.offer(start) : start({});
}
