import { assertEquals } from "@std/assert";
import { measureGroup } from "../../bench/harness/rounds.ts";
import {
  type Group,
  NotHere,
  type SubjectPlan,
} from "../../bench/harness/subject.ts";

/** A subject that writes what happens to it into `log`. */
function plan(
  name: string,
  log: string[],
  round: () => number[] = () => [1, 2, 3],
): SubjectPlan {
  return {
    name,
    unit: "us",
    start: () => {
      log.push(`start ${name}`);
      return Promise.resolve({
        round: () => {
          log.push(name);
          return Promise.resolve({ samples: round(), placement: "here" });
        },
        [Symbol.asyncDispose]: () => {
          log.push(`end ${name}`);
          return Promise.resolve();
        },
      });
    },
  };
}

function group(...plans: SubjectPlan[]): Group {
  return { name: "group", rounds: { full: 3, quick: 1 }, plans };
}

function names({ plans }: Group): Set<string> {
  return new Set(plans.map(({ name }) => name));
}

Deno.test("rounds are interleaved, and each begins with another subject", async () => {
  const log: string[] = [];
  const two = group(plan("a", log), plan("b", log));
  const readings = await measureGroup(two, "full", names(two), () => {});
  assertEquals(
    log.join(),
    "start a,start b,a,b,b,a,a,b,end a,end b",
  );
  assertEquals(readings.map(({ rounds }) => rounds.length), [3, 3]);
  assertEquals(readings[0]?.rounds[0], { p50: 2, p99: 2 });
  assertEquals(readings[0]?.placements, ["here", "here", "here"]);
});

Deno.test("only what is wanted is started, and --quick leaves out what is slow", async () => {
  const log: string[] = [];
  const slow: SubjectPlan = { ...plan("slow", log), extent: "full" };
  const all = group(plan("a", log), plan("b", log), slow);
  const wanted = new Set(["b", "slow"]);
  const readings = await measureGroup(all, "quick", wanted, () => {});
  assertEquals(log.join(), "start b,b,end b");
  assertEquals(readings.map(({ reason }) => reason), [
    undefined,
    "--quick leaves it out",
  ]);
});

Deno.test("a subject that fails or cannot be measured does not stop the others", async () => {
  const log: string[] = [];
  const dies = plan("dies", log, () => {
    throw new Error("it died");
  });
  const absent: SubjectPlan = {
    ...plan("absent", log),
    start: () => Promise.resolve(new NotHere("one core")),
  };
  const empty = plan("empty", log, () => []);
  const all = group(dies, absent, empty, plan("a", log));
  const readings = await measureGroup(all, "full", names(all), () => {});
  assertEquals(
    readings.map(({ reason, failure, rounds }) => [
      reason ?? failure,
      rounds.length,
    ]),
    [
      ["it died", 0],
      ["one core", 0],
      ["it measured nothing", 0],
      [undefined, 3],
    ],
  );
  assertEquals(log.filter((line) => line === "dies").length, 1);
  assertEquals(log.includes("end dies"), true);
});
