import { assertEquals } from "@std/assert";
import { Incidents } from "../../../../broker/registry/incidents.ts";
import { FakeWorld } from "../../../helpers/fake_world.ts";
import { testProcess } from "../../../helpers/registry.ts";

Deno.test("incidents: of each kind and process the 1st, 2nd, 4th, 8th … is logged", () => {
  const world = new FakeWorld();
  const incidents = new Incidents();
  for (let i = 0; i < 1000; i++) {
    incidents.note("refused", world.log, "full", testProcess(1));
  }
  incidents.note("refused", world.log, "full", testProcess(2));
  incidents.note("silent", world.log, "silent", testProcess(1), {}, 100);
  assertEquals(
    world.logLines.map(({ message, pid, count }) => [message, pid, count]),
    [
      ...[1, 2, 4, 8, 16, 32, 64, 128, 256, 512].map((n) => ["full", 1, n]),
      ["full", 2, 1],
      ["silent", 1, 100],
    ],
  );
  assertEquals(incidents.count("refused"), 1001);
  assertEquals(incidents.count("silent"), 100);
  assertEquals(incidents.count("malformed"), 0);
});
