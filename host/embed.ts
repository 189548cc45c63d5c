/**
 * Where host and broker are put together: nothing else in this folder knows a
 * broker. The embedded one is loaded only when there is need of it.
 *
 * @module
 */

import type { Embed } from "./broker_finder.ts";

/** Runs a broker in this process, or shares the one that already does. */
export const embedBroker: Embed = async () => {
  const { embedBroker } = await import("../broker/embedded.ts");
  return await embedBroker();
};
