/** How long a bystander waits for the broker while a process attacks it. The attacker is `programs/attacker.ts`. */

import { BenchBroker } from "../bridge/broker.ts";
import type {
  Extent,
  Group,
  Round,
  Subject,
  SubjectPlan,
} from "../harness/subject.ts";
import { Program } from "../program.ts";

/** The attacks, see `programs/attacker.ts`. */
const ATTACKS = ["big messages", "unread replies", "PING flood", "quota flood"];
const MEASURE_MS = 3_000;
const BETWEEN_MS = 20;

/** The waits for one call, in milliseconds. */
async function bystander(broker: BenchBroker): Promise<Round> {
  const waits: number[] = [];
  const end = performance.now() + MEASURE_MS;
  while (performance.now() < end) {
    const began = performance.now();
    await broker.version();
    waits.push(performance.now() - began);
    await new Promise((resolve) => setTimeout(resolve, BETWEEN_MS));
  }
  return { samples: waits };
}

/** A broker of its own for each attack; `undefined`: without an attack. */
function during(attack: string | undefined, extent: Extent): SubjectPlan {
  return {
    name: `bystander's call, ${attack ?? "quiet"}`,
    unit: "ms",
    extent,
    start: async (): Promise<Subject> => {
      await using held = new AsyncDisposableStack();
      const broker = held.use(await BenchBroker.start("default quotas"));
      const resources = held.move();
      return {
        async round() {
          if (attack === undefined) return await bystander(broker);
          const { service, grpcSocket, environment } = broker;
          await using attacker = Program.deno(
            "attacker.ts",
            [attack, service, grpcSocket],
            environment,
          );
          await attacker.line();
          return await bystander(broker);
        },
        [Symbol.asyncDispose]: () => resources.disposeAsync(),
      };
    },
  };
}

/** The group. */
export const attacks: Group = {
  name: "attacks",
  rounds: { full: 1, quick: 1 },
  plans: [undefined, ...ATTACKS].map((attack) => during(attack, "full")),
};
