import { assertEquals } from "@std/assert";
import {
  Idleness,
  type IdlenessLimits,
  type IdleVerdict,
  type Occupancy,
} from "../../../broker/idleness.ts";

const EMPTY: Occupancy = {
  runtimes: 0,
  connections: 0,
  peers: 0,
  clients: 0,
  arrivals: 0,
  sessions: 0,
};

/** Checks one occupancy after the other, at the given times. */
function findings(
  limits: IdlenessLimits,
  ...looks: [now: number, occupancy: Partial<Occupancy>][]
): IdleVerdict[] {
  const idleness = new Idleness(limits);
  return looks.map(([now, occupancy]) =>
    idleness.look(now, { ...EMPTY, ...occupancy })
  );
}

const AGAIN = { lookAgainMs: 1000 };

Deno.test("Idleness: it ends when its time is over, not before, and looks at the latest then", () => {
  assertEquals(
    findings(
      { idleMs: 2500 },
      [10_000, {}],
      [11_000, {}],
      [12_000, {}],
      [12_499, {}],
      [12_500, {}],
    ),
    [AGAIN, AGAIN, { lookAgainMs: 500 }, { lookAgainMs: 1 }, { end: "idle" }],
  );
});

for (const what of ["runtimes", "connections", "peers", "clients"] as const) {
  Deno.test(`Idleness: it stays as long as there are ${what}, and its time begins again after them`, () => {
    assertEquals(
      findings(
        { idleMs: 1000 },
        [0, {}],
        [900, { [what]: 1 }],
        [5000, { [what]: 1 }],
        [6000, {}],
        [6999, {}],
        [7000, {}],
      ),
      [AGAIN, AGAIN, AGAIN, AGAIN, { lookAgainMs: 1 }, { end: "idle" }],
    );
  });
}

Deno.test("Idleness: who came and went between two looks counts", () => {
  assertEquals(
    findings(
      { idleMs: 1000 },
      [0, { arrivals: 1 }],
      [999, { arrivals: 2 }],
      [1500, { arrivals: 2 }],
      [1999, { arrivals: 2 }],
    ),
    [AGAIN, AGAIN, { lookAgainMs: 499 }, { end: "idle" }],
  );
});

Deno.test("Idleness: a machine that slept is no reason to stay", () => {
  assertEquals(
    findings({ idleMs: 1000 }, [0, {}], [1e9, {}]),
    [AGAIN, { end: "idle" }],
  );
});

Deno.test("Idleness: after enough sessions it is recycled once nobody is connected", () => {
  const limits = { sessions: 3 };
  for (const what of ["connections", "peers", "clients"] as const) {
    assertEquals(
      findings(
        limits,
        [0, { sessions: 2 }],
        [1, { sessions: 3, [what]: 1 }],
        [2, { sessions: 3 }],
      ),
      [AGAIN, AGAIN, { end: "recycled" }],
    );
  }
  // Runtimes register over gRPC repeatedly, so the next broker gets their registrations.
  assertEquals(
    findings(limits, [0, { sessions: 4, runtimes: 2 }]),
    [{ end: "recycled" }],
  );
});

Deno.test("Idleness: without limits it stays for ever", () => {
  assertEquals(findings({}, [0, {}], [1e12, { sessions: 1e9 }]), [
    AGAIN,
    AGAIN,
  ]);
});
