import { assertEquals } from "@std/assert";
import { Retained } from "../../../../broker/registry/retained.ts";
import { testProcess } from "../../../helpers/registry.ts";

Deno.test("retained: the oldest of the process that has the most makes room", () => {
  const retained = new Retained(4);
  const [one, other] = [testProcess(1), testProcess(2)];
  assertEquals(retained.add("other's", other), undefined);
  for (const id of ["a", "b", "c"]) {
    assertEquals(retained.add(id, one), undefined);
  }
  for (const [id, room] of [["d", "a"], ["e", "b"], ["f", "c"]] as const) {
    assertEquals(retained.add(id, one), room);
    retained.delete(room);
  }
  assertEquals([...retained.ids()], ["other's", "d", "e", "f"]);
});

Deno.test("retained: processes that are not known count as one; what is not there is no error", () => {
  const retained = new Retained(2);
  retained.add("a", undefined);
  retained.add("b", undefined);
  assertEquals(retained.add("c", testProcess(1)), "a");
  retained.delete("a");
  retained.delete("a");
  assertEquals([...retained.ids()], ["b", "c"]);
});
