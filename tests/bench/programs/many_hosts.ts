/**
 * Launches a number of hosts in one process, each with a client that sends samples
 * back: `many_hosts.ts WAY COUNT`. Prints a line of JSON: {@link ManyHosts}, or
 * `{"reason": "…"}`. Then makes round trips on the first connection for each line of
 * its input, and prints their microseconds as JSON.
 */

import { SampleTrips } from "../bridge/sample_trips.ts";
import { DICTIONARY, LANE } from "../bridge/ways.ts";
import { NotHere } from "../harness/subject.ts";
import { linesOf } from "../../helpers/child.ts";

/** Hosts that are ready. */
export interface ManyHosts {
  /** The processes of the clients. */
  readonly clients: readonly number[];
}

/** Clients that start at once: more would only wait for a core. */
const AT_ONCE = 4;
const TRIPS = { count: 500, warmUp: 500 };

function say(value: unknown): void {
  Deno.stdout.writeSync(
    new TextEncoder().encode(`${JSON.stringify(value)}\n`),
  );
}

async function main(): Promise<void> {
  const way = Deno.args[0] === LANE.name ? LANE : DICTIONARY;
  const all: SampleTrips[] = [];
  await using _ = {
    async [Symbol.asyncDispose]() {
      await Promise.all(all.map((one) => one[Symbol.asyncDispose]()));
    },
  };
  let left = Number(Deno.args[1]);
  let why: NotHere | undefined;
  const launchSome = async (): Promise<void> => {
    while (left-- > 0 && why === undefined) {
      const one = await SampleTrips.start(way, TRIPS);
      if (one instanceof NotHere) why = one;
      else all.push(one);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, launchSome));
  if (why !== undefined) return say(why);
  say({ clients: all.map(({ host }) => host.clientPid) } satisfies ManyHosts);
  for await (const _ of linesOf(Deno.stdin.readable)) {
    const { samples } = await all[0]!.round();
    say(Array.from(samples));
  }
}

await main();
