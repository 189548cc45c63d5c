import { assertEquals } from "@std/assert";
import type { Reading } from "../../bench/harness/rounds.ts";
import { type Readings, type Row, rowOf } from "../../bench/harness/rows.ts";
import type { Unit } from "../../bench/harness/subject.ts";
import type { Target } from "../../bench/harness/target.ts";

/** A reading with these medians; the 99th percentile is ten times the median. */
function reading(
  name: string,
  medians: readonly number[],
  rest: Partial<Reading> = {},
  unit: Unit = "us",
): Reading {
  return {
    name,
    unit,
    rounds: medians.map((p50) => ({ p50, p99: 10 * p50 })),
    samples: 100,
    placements: [],
    reason: undefined,
    failure: undefined,
    ...rest,
  };
}

function run(...readings: Reading[]): Readings {
  return new Map(readings.map((one) => [one.name, one]));
}

const TARGET: Target = {
  measure: "the measure",
  subject: "ours",
  controls: ["theirs"],
  wanted: { most: 2 },
};

function part(row: Row, ...keys: (keyof Row)[]): unknown[] {
  return keys.map((key) => row[key]);
}

Deno.test("the ratio is that of the rounds that belong together, in the median", () => {
  const row = rowOf(TARGET, [
    run(reading("ours", [2, 200, 3]), reading("theirs", [1, 100, 3])),
  ]);
  assertEquals(
    part(row, "value", "control_value", "ratio", "target", "met", "runs"),
    [3, 3, 2, "<= 2", true, [2]],
  );
});

Deno.test("a row is judged by the median of the runs", () => {
  const ratios = [1, 9, 3];
  const runs = ratios.map((ratio) =>
    run(reading("ours", [ratio]), reading("theirs", [1]))
  );
  const row = rowOf(TARGET, runs);
  assertEquals(part(row, "judged", "met", "runs"), [3, false, [1, 9, 3]]);
});

Deno.test("a target may be about the difference, the value or another quantile", () => {
  const runs = [run(reading("ours", [50]), reading("theirs", [40]))];
  const difference = rowOf({ ...TARGET, comparison: "difference" }, runs);
  assertEquals(part(difference, "judged", "met"), [10, false]);
  const { controls: _, ...alone } = TARGET;
  assertEquals(part(rowOf(alone, runs), "judged", "control"), [50, null]);
  const p99 = rowOf({ ...TARGET, statistic: "p99" }, runs);
  assertEquals(part(p99, "value", "control_value", "ratio"), [500, 400, 1.25]);
});

Deno.test("the control is the best one of several: the fastest, or the one with the highest rate", () => {
  const target: Target = {
    ...TARGET,
    controls: ["slow", "fast"],
    control: "best placement",
    wanted: { least: 20 },
  };
  const times = rowOf(target, [
    run(reading("ours", [1]), reading("slow", [4]), reading("fast", [2])),
  ]);
  assertEquals(part(times, "control", "control_value"), ["best placement", 2]);
  const rate = (name: string, value: number): Reading =>
    reading(name, [value], {}, "1/s");
  const rates = rowOf(target, [
    run(rate("ours", 40), rate("slow", 1), rate("fast", 2)),
  ]);
  assertEquals(part(rates, "control_value", "met"), [2, true]);
});

Deno.test("what was not measured has no number, and says why", () => {
  const without = (ours: Reading, theirs: Reading): unknown[] =>
    part(
      rowOf(TARGET, [run(ours, theirs)]),
      "value",
      "ratio",
      "met",
      "reason",
      "failed",
    );
  assertEquals(
    without(
      reading("ours", [], { reason: "no lanes" }),
      reading("theirs", [1]),
    ),
    [null, null, null, "no lanes", false],
  );
  assertEquals(
    without(
      reading("ours", [1]),
      reading("theirs", [], { reason: "no cargo" }),
    ),
    [null, null, null, "the control: no cargo", false],
  );
  assertEquals(
    without(reading("ours", [1], { failure: "died" }), reading("theirs", [1])),
    [null, null, null, "ours: died", true],
  );
});

Deno.test("one control that cannot be measured does not matter if another one can", () => {
  const target = { ...TARGET, controls: ["missing", "theirs"] };
  const row = rowOf(target, [
    run(
      reading("ours", [3]),
      reading("missing", [], { reason: "one core" }),
      reading("theirs", [1]),
    ),
  ]);
  assertEquals(part(row, "ratio", "reason"), [3, null]);
});
