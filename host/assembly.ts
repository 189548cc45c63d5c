/**
 * Puts host, client and broker together. No other file in this folder imports a
 * broker or names the client's runner. Modules that are slow to load are loaded
 * when they are needed.
 *
 * @module
 */

import { Bootstrap } from "../ffi/bootstrap.ts";
import { pause, systemClock } from "../ffi/clock.ts";
import { GRPC_CLIENT, openGrpcClient } from "../broker/grpc_loader.ts";
import { packageModule } from "../proto/package_root.ts";
import type { OpenControl } from "../proto/wire/control.ts";
import type { Embed } from "./broker_finder.ts";
import { launchdBroker, type LoadAgent } from "./launchd_broker.ts";

/** Runs a broker in this process, or shares the one that already runs here. Where macOS offers no bootstrap, launchd runs it. */
export const makeBroker: Embed = async () => {
  const because = Deno.build.os === "darwin" ? Bootstrap.whyNone() : undefined;
  if (because !== undefined) return await launchdBroker(loadAgent, { because });
  const { embedBroker } = await import("../broker/embedded.ts");
  return await embedBroker();
};

const loadAgent: LoadAgent = async (names) => {
  const [{ loadSessionAgent }, { locateBroker }, { runProgram }] = await Promise
    .all([
      import("../launchd/session_agent.ts"),
      import("../launchd/locate.ts"),
      import("../launchd/run_program.ts"),
    ]);
  return await loadSessionAgent(names, {
    run: runProgram,
    userId: Deno.uid() ?? 0,
    pause: (ms) => pause(systemClock, ms),
    program: () => locateBroker(names, runProgram),
  });
};

/** Opens the control API over gRPC. */
export const openGrpc: OpenControl = openGrpcClient;

/** The module that runs a processor in the client's process. */
export const CLIENT_RUNNER: URL = packageModule(
  "client/runner",
  () => import("../client/runner.ts"),
);

export { GRPC_CLIENT };
