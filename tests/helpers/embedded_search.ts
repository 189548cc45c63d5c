/** How a host of a test finds a broker: it runs its own. */

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
