import { assert, assertEquals } from "@std/assert";
import { groups } from "../../bench/groups.ts";
import { allRows, subjectsOf, titleOf } from "../../bench/harness/plan.ts";
import { TARGETS } from "../../bench/targets.ts";

/** The group of each subject. */
function groupOf(): Map<string, string> {
  return new Map(
    groups().flatMap(({ name, plans }) =>
      plans.map((plan) => [plan.name, name] as const)
    ),
  );
}

Deno.test("every subject of the bench has a name of its own", () => {
  const names = groups().flatMap(({ plans }) => plans.map(({ name }) => name));
  assertEquals(names.length, new Set(names).size);
});

Deno.test("every target compares subjects of one group, so that their rounds are interleaved", () => {
  const known = groupOf();
  for (const { subject, controls = [] } of TARGETS) {
    assert(known.has(subject), subject);
    for (const control of controls) {
      assertEquals(known.get(control), known.get(subject), control);
    }
  }
});

Deno.test("every subject has a row, and every row has a title of its own", () => {
  const rows = allRows(TARGETS, groups());
  const shown = subjectsOf(rows);
  for (const name of groupOf().keys()) assert(shown.has(name), name);
  const titles = rows.map(titleOf);
  assertEquals(titles.length, new Set(titles).size);
});
