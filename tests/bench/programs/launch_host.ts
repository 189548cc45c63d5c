/**
 * Launches a host with its client and a broker of its own, "cold", then another one
 * in the same process, "warm": `launch_host.ts WAY LANGUAGE CONFIG`. A client in
 * TypeScript gets the `deno.json` CONFIG, unless it is "". Prints a line of JSON:
 * {@link LaunchTimes}, or `{"reason": "…"}`.
 */

import { clientModule, type Language } from "../bridge/clients.ts";
import { DICTIONARY, LANE, launch } from "../bridge/ways.ts";
import { NotHere } from "../harness/subject.ts";
import { SAMPLES } from "../ports.ts";

/** Milliseconds from the launch until frames can flow. */
export interface LaunchTimes {
  readonly cold: number;
  readonly warm: number;
  /** From the start of the client's process to its first message, in the warm launch. */
  readonly hello: number;
}

async function measure(): Promise<LaunchTimes | NotHere> {
  const [name, language, config] = Deno.args;
  const way = name === LANE.name ? LANE : DICTIONARY;
  const module = await clientModule("relay_samples", language as Language);
  if (module instanceof NotHere) return module;
  const options = {
    ...(language === "TypeScript" && config && { config }),
    module,
    inputs: { samples: SAMPLES },
    outputs: { samples: SAMPLES },
  };
  const began = performance.now();
  const first = await launch(way, options);
  const cold = performance.now() - began;
  if (first instanceof NotHere) return first;
  await using _first = first;
  const beganAgain = performance.now();
  const second = await launch(way, options);
  const warm = performance.now() - beganAgain;
  if (second instanceof NotHere) return second;
  await using host = second;
  const { spawned = NaN, hello = NaN } = host.times;
  return { cold, warm, hello: hello - spawned };
}

Deno.stdout.writeSync(
  new TextEncoder().encode(`${JSON.stringify(await measure())}\n`),
);
