/**
 * A broker in a process of its own, with faults. Its arguments are the service
 * name and, if gRPC is to be served, that address. Says "ready", and ends when its standard input does.
 */

import { Broker } from "../../broker/broker.ts";
import { systemClock } from "../../ffi/clock.ts";
import { Native } from "../../ffi/native.ts";
import { hookedShim } from "./hooked_shim.ts";
import { carryOut, ownPlan } from "./moments.ts";

const [service = "", grpc] = Deno.args;
const encoder = new TextEncoder();
await using _broker = await Broker.start({
  native: new Native(
    hookedShim(carryOut(ownPlan()), { clock: systemClock }),
  ),
  service,
  ...(grpc !== undefined && { grpc }),
  log: { sink: (line) => void Deno.stderr.writeSync(encoder.encode(line)) },
});
Deno.stdout.writeSync(encoder.encode("ready\n"));
for await (const _ of Deno.stdin.readable);
