/**
 * Calls while their client is killed and started again, with signals and time
 * limits that end the wait: every promise settles, and no call is made twice.
 */

import { assert, assertEquals } from "@std/assert";
import { type BridgeError, ReactiveHost } from "../../host/mod.ts";
import { TICKS } from "../fixtures/tick_port.ts";
import { testClient } from "../helpers/client_module.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { Prng } from "../helpers/prng.ts";
import { soon } from "../helpers/soon.ts";

const NEEDS = { read: true, write: true, env: true, run: true } as const;

/** How a call can end here. */
const OUTCOMES = ["answered", "channel_lost", "timed_out", "aborted"];
/** So many calls wait at once. */
const AT_ONCE = 32;

type Noted = typeof import("../fixtures/noted_calls.ts");

/** Makes calls, and kills the client `kills` times meanwhile. Returns how they ended. */
async function campaign(
  seed: number,
  calls: number,
  kills: number,
): Promise<Map<string, number>> {
  const random = new Prng(seed);
  const directory = await Deno.makeTempDir();
  const notes = `${directory}/notes`;
  const outcomes = new Map<string, number>();
  const answered: number[] = [];
  try {
    await using host = ReactiveHost.launch<Noted>({
      ...testClient("noted_calls.ts", { write: [directory] }),
      inputs: { ticks: TICKS },
      env: { CALL_NOTES: notes },
      restart: "on-failure",
      onRestart: () => {},
      output: () => {},
    });
    await soon(host.ready, "the first client");
    const killAt = new Set(
      Array.from(
        { length: kills },
        (_, n) => Math.floor(calls * (n + 0.2 + 0.6 * random.next()) / kills),
      ),
    );
    const one = async (number: number): Promise<void> => {
      const kind = random.below(10);
      const stop = new AbortController();
      const call = host.call.note({ number }, {
        ...(kind === 0 && { signal: stop.signal }),
        timeoutMs: kind === 1 ? random.below(20) : 60_000,
      });
      if (kind === 0) setTimeout(() => stop.abort(), random.below(5));
      const outcome = await call.then(
        (reply) => {
          assertEquals(reply.number, number, "the reply of another call");
          answered.push(number);
          return "answered";
        },
        ({ code }: BridgeError) => code,
      );
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    };
    const kill = (): void => {
      if (host.clientPid === 0) return; // the next one is not started yet
      try {
        Deno.kill(host.clientPid, "SIGKILL");
      } catch {
        // It is being started again.
      }
    };
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < calls) {
        const number = next++;
        if (killAt.has(number)) kill();
        await one(number);
      }
    };
    const workers = Array.from({ length: AT_ONCE }, worker);
    await soon(Promise.all(workers), "every call");
    await soon(host.close(), "the close");
    const lines = (await Deno.readTextFile(notes)).trim().split("\n").map(
      Number,
    );
    assertEquals(new Set(lines).size, lines.length, "a call was made twice");
    const made = new Set(lines);
    assert(answered.every((number) => made.has(number)), "an answer of nobody");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
  return outcomes;
}

function check(outcomes: Map<string, number>, calls: number): void {
  const known = [...outcomes.keys()].every((one) => OUTCOMES.includes(one));
  assert(known, JSON.stringify([...outcomes]));
  const all = [...outcomes.values()].reduce((sum, count) => sum + count, 0);
  assertEquals(all, calls);
  assert((outcomes.get("answered") ?? 0) > calls / 2, "most are answered");
}

permittedTest(
  "calls: 400, with two kills, aborts and time limits: each settles, none is made twice",
  NEEDS,
  async () => check(await campaign(1, 400, 2), 400),
);

permittedTest(
  "calls: 10,000, with 40 kills, aborts and time limits: each settles, none is made twice",
  { ...NEEDS, exhaustive: true },
  async () => {
    for (let seed = 2; seed < 12; seed++) {
      check(await campaign(seed, 1_000, 4), 1_000);
    }
  },
);
