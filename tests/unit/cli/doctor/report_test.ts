import { assertEquals } from "@std/assert";
import {
  broken,
  type Finding,
  note,
  ok,
} from "../../../../cli/doctor/finding.ts";
import { closingLines, findingLines } from "../../../../cli/doctor/report.ts";

const STATES: Finding[] = [
  ok("deno", "2.9.3"),
  broken("sockets", "nobody listens at /a/rather/long/path/to/a/socket.grpc", {
    why: "a broker was killed\nand wrote \x1b[31m",
    mend:
      "streamlib broker start --with a-line-that-is-longer-than-the-terminal-is",
  }),
  broken("xpc", "no answer", { why: "it hangs", mend: "kill 1" }),
];

Deno.test("doctor: the report in 60 columns", () => {
  const space = { columns: 60, colour: false };
  const lines = [
    ...STATES.flatMap((finding) => findingLines(finding, space)),
    ...closingLines(STATES, space),
  ];
  assertEquals(lines, [
    "ok       deno           2.9.3",
    "broken   sockets        nobody listens at",
    "                        /a/rather/long/path/to/a/socket.grpc",
    "broken   xpc            no answer",
    "",
    "Broken: sockets",
    "  Nobody listens at /a/rather/long/path/to/a/socket.grpc.",
    "  A broker was killed",
    "  and wrote \\u001b[31m.",
    "  Try: streamlib broker start --with a-line-that-is-longer-than-the-terminal-is",
    "",
    "Also broken: xpc. Fix the first, then run the doctor again.",
  ]);
});

Deno.test("doctor: the report where all is well, with what there is to know, and colours", () => {
  const findings = [
    ok("deno", "2.9.3"),
    note("xpc", "no broker", { why: "hosts run one", mend: "install" }),
    note("environment", "a proxy is set"),
  ];
  const plain = closingLines(findings, { columns: Infinity, colour: false });
  assertEquals(plain, [
    "",
    "All is well.",
    "  xpc: no broker.",
    "  Hosts run one.",
    "  Try: install",
  ]);
  assertEquals(
    findingLines(findings[0]!, { columns: 80, colour: true }),
    ["\x1b[32mok\x1b[0m       deno           2.9.3"],
  );
});
