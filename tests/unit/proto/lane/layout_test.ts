import { assertEquals } from "@std/assert";
import * as layout from "../../../../proto/lane/layout.ts";
import { permittedTest } from "../../../helpers/permitted.ts";

const HEADER = new URL(
  "../../../../c/include/streamlib_lane.h",
  import.meta.url,
);

/** The numbers that a header defines, by name. */
function numbersIn(header: string): Record<string, number> {
  const defined = header.matchAll(
    /^#define SLB_(LANE_\w+) (0x[\da-f]+|\d+)u?(?:\s|$)/gm,
  );
  return Object.fromEntries(
    Array.from(defined, ([, name, number]) => [name, Number(number)]),
  );
}

Deno.test("the check of the layout sees a number that differs, in any form", () => {
  const header = "#define SLB_LANE_A 0x1fu\n#define SLB_LANE_B 64 /* B */\n" +
    "#define SLB_LANE_C(x) (x)\n#ifndef SLB_LANE_D\n";
  assertEquals(numbersIn(header), { LANE_A: 31, LANE_B: 64 });
});

permittedTest("layout.ts is what the header of lanes defines", {
  read: true,
}, async () => {
  const defined = numbersIn(await Deno.readTextFile(HEADER));
  assertEquals({ ...layout }, defined as unknown as typeof layout);
});
