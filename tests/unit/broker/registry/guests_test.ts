import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type Guest, Guests } from "../../../../broker/registry/guests.ts";
import { Incidents } from "../../../../broker/registry/incidents.ts";
import { Shares } from "../../../../broker/registry/shares.ts";
import { SILENCE_MS } from "../../../../proto/limits.ts";
import { FakeWorld } from "../../../helpers/fake_world.ts";
import { testProcess } from "../../../helpers/registry.ts";

class Stage {
  readonly world = new FakeWorld();
  readonly incidents = new Incidents();
  readonly guests: Guests;
  readonly ended: string[] = [];

  constructor(limit: number) {
    this.guests = new Guests({
      shares: new Shares("guests", limit),
      incidents: this.incidents,
      log: this.world.log,
      now: this.world.clock.now,
    });
  }

  admit(pid: number, name: string): Guest | string {
    return this.guests.admit(testProcess(pid), () => this.ended.push(name));
  }
}

Deno.test("guests: at its own limit a process loses its oldest silent one, once that is old", () => {
  const stage = new Stage(8);
  const first = stage.admit(1, "a") as Guest;
  stage.admit(1, "b");
  stage.admit(2, "other");
  assertStringIncludes(
    String(stage.admit(1, "c")),
    "Cannot connect: process 1",
  );
  stage.world.clock.advance(SILENCE_MS);
  first.useful();
  assert(typeof stage.admit(1, "d") === "object");
  assertEquals(stage.ended, ["b"]);
  assertEquals(
    [stage.incidents.count("refused"), stage.incidents.count("silent")],
    [1, 1],
  );
});

Deno.test("guests: when all places are taken, the process with the most silent ones makes room", () => {
  const stage = new Stage(8);
  for (const pid of [2, 2, 3, 3, 1, 4, 5, 6]) {
    const guest = stage.admit(pid, `of ${pid}`) as Guest;
    if (pid === 2) guest.useful();
  }
  assertEquals(stage.guests.size, 8);
  assert(typeof stage.admit(7, "the next") === "object");
  assertEquals(stage.ended, ["of 3"]);
  assertEquals(stage.guests.size, 8);
});

Deno.test("guests: a place is given back once, and nobody who is useful makes room", () => {
  const stage = new Stage(4);
  const guest = stage.admit(1, "a") as Guest;
  guest.useful();
  assertEquals(stage.guests.dismissOne(), false);
  guest.leave();
  guest.leave();
  assertEquals(stage.guests.size, 0);
  assert(typeof stage.admit(1, "b") === "object");
  assertEquals(stage.guests.dismissOne(), true);
  assertEquals(stage.ended, ["b"]);
});
