import { assertEquals } from "@std/assert";
import type { Row } from "../../bench/harness/rows.ts";
import { short, withUnit } from "../../bench/report/number.ts";
import { markdownReport, textReport } from "../../bench/report/text.ts";

const MET: Row = {
  measure: "round trip",
  value: 1.2345,
  unit: "us",
  control: "C",
  control_value: 0.5,
  ratio: 2.469,
  target: "<= 4",
  met: true,
  judged: 2.469,
  comparison: "ratio",
  runs: [2.469],
  p50: 1.2345,
  p99: 10,
  placement: "on two cores",
  control_placement: "pinned",
  subject: "bridge",
  reason: null,
  failed: false,
};
const MISSED: Row = {
  ...MET,
  measure: "start",
  unit: "ms",
  comparison: "difference",
  judged: 20,
  target: "<= 10",
  met: false,
};
const ABSENT: Row = {
  ...MET,
  measure: "stream",
  value: null,
  p50: null,
  p99: null,
  met: null,
  reason: "one core",
};
const STATED: Row = {
  ...MET,
  measure: "WebSocket",
  control: null,
  control_value: null,
  ratio: null,
  target: null,
  met: null,
};

Deno.test("numbers have three digits that mean something", () => {
  const values = [0.00123, 0.5, 12.345, 123.4, 45_600, 0, -0.25];
  assertEquals(values.map(short), [
    "0.00123",
    "0.500",
    "12.3",
    "123",
    "45,600",
    "0",
    "-0.250",
  ]);
  assertEquals(withUnit(3, "1/s"), "3.00/s");
  assertEquals(withUnit(3, "count"), "3.00");
});

Deno.test("the table for a terminal shows each row with its control, target and result", () => {
  assertEquals(
    textReport([MET, MISSED, ABSENT, STATED]),
    `measure     value                          compared with  ratio     target
round trip  1.23 us                        C: 0.500 us    2.47x     <= 4   met
start       1.23 ms                        C: 0.500 ms    +20.0 ms  <= 10  NOT MET
stream      not measurable here: one core  C                        <= 4

stated     p50      p99      placement
WebSocket  1.23 us  10.0 us  on two cores

targets: 1 met, 1 not met, 1 not measured`,
  );
});

Deno.test("the table in Markdown has the same cells", () => {
  assertEquals(
    markdownReport([MET, STATED]),
    `| measure | value | compared with | ratio | target | result |
| --- | --- | --- | --- | --- | --- |
| round trip | 1.23 us | C: 0.500 us | 2.47x | <= 4 | met |

| stated | p50 | p99 | placement |
| --- | --- | --- | --- |
| WebSocket | 1.23 us | 10.0 us | on two cores |

targets: 1 met, 0 not met, 0 not measured.`,
  );
});
