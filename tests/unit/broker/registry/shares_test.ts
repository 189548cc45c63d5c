import { assert, assertEquals } from "@std/assert";
import { Shares } from "../../../../broker/registry/shares.ts";
import { PROCESS_SHARE } from "../../../../proto/limits.ts";
import { testProcess } from "../../../helpers/registry.ts";

/** Takes one after the other until it is refused. Returns how many it got. */
function takeAll(shares: Shares, pid: number): number {
  const process = testProcess(pid);
  let got = 0;
  while (shares.refusal(process) === undefined) {
    shares.charge(process);
    got++;
  }
  return got;
}

Deno.test("shares: one process has a quarter, to the one, and another is served", () => {
  const shares = new Shares("things", 1000);
  assertEquals(takeAll(shares, 1), 1000 / PROCESS_SHARE);
  assertEquals(
    shares.refusal(testProcess(1)),
    "process 1 has 250 of 250 things, the limit of one process; end some, or start the broker with a higher --limits things=1000",
  );
  assertEquals(shares.refusal(testProcess(2)), undefined);
  shares.discharge(testProcess(1));
  assertEquals(shares.refusal(testProcess(1)), undefined);
  assertEquals(shares.refusal(testProcess(1), 2)?.includes("249 of 250"), true);
});

Deno.test("shares: a process that starts a hundred others leaves room for the next", () => {
  const shares = new Shares("things", 16_384);
  const got = Array.from({ length: 100 }, (_, pid) => takeAll(shares, pid));
  for (let i = 1; i < got.length; i++) assert(got[i]! <= got[i - 1]!, `${got}`);
  assert(takeAll(shares, 100) > 0);
  assert(shares.used < shares.limit);
});

Deno.test("shares: the share is said, with what others have", () => {
  const shares = new Shares("things", 8);
  shares.charge(testProcess(1), 2);
  shares.charge(testProcess(2), 2);
  shares.charge(testProcess(3), 1);
  shares.charge(undefined, 2);
  assertEquals(
    shares.refusal(testProcess(3)),
    "process 3 has 1 things, its share while 2 other processes have 6 of 8; end some, or start the broker with a higher --limits things=8",
  );
  assertEquals(shares.refusal(testProcess(4)), undefined);
  shares.charge(testProcess(4));
  assertEquals(
    shares.refusal(testProcess(5)),
    "all processes together have 8 of 8 things; end some, or start the broker with a higher --limits things=8",
  );
});

Deno.test("shares: the process that has the most is named, and nobody when all is given back", () => {
  const shares = new Shares("things", 100);
  shares.charge(testProcess(7), 3);
  shares.charge(testProcess(8), 5);
  assertEquals(shares.fullness(), {
    name: "things",
    used: 8,
    limit: 100,
    processLimit: 25,
    fullest: { pid: 8, used: 5 },
  });
  shares.discharge(testProcess(7), 3);
  shares.discharge(testProcess(8), 5);
  assertEquals([shares.used, shares.fullness().fullest], [0, undefined]);
});
