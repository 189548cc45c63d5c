import { assertEquals } from "@std/assert";
import {
  SWITCH_OFF,
  type SwitchEvent,
  switchStep,
} from "../../../../proto/states/remembered_switch.ts";

function run(...events: SwitchEvent[]): boolean[] {
  let state = SWITCH_OFF;
  const told: boolean[] = [];
  for (const event of events) {
    const { after, tell } = switchStep(state, event);
    state = after;
    if (tell !== undefined) told.push(tell);
  }
  return told;
}

Deno.test("start before the gate opens is told once, when it opens", () => {
  assertEquals(run("on"), []);
  assertEquals(run("on", "open"), [true]);
  assertEquals(run("on", "on", "open", "on", "open"), [true]);
});

Deno.test("start and stop before the gate opens: nothing is told", () => {
  assertEquals(run("on", "off", "open"), []);
  assertEquals(run("on", "off", "on", "open"), [true]);
});

Deno.test("with the gate open every change is told, and no repeat", () => {
  assertEquals(run("open", "on", "on", "off", "off", "on"), [
    true,
    false,
    true,
  ]);
  assertEquals(run("open", "off"), []);
});

Deno.test("each new other end is told what is wanted, and nothing where that is off", () => {
  assertEquals(run("open", "on", "close", "open"), [true, true]);
  assertEquals(run("open", "on", "close", "off", "open"), [true]);
  assertEquals(run("open", "close", "on", "close", "open"), [true]);
});

Deno.test("every sequence of six events tells changes only, and ends with what is wanted", () => {
  const events = ["on", "off", "open"] as const;
  for (let code = 0; code < 3 ** 6; code++) {
    const sequence = Array.from(
      { length: 6 },
      (_, i) => events[Math.floor(code / 3 ** i) % 3]!,
    );
    const told = run(...sequence);
    const open = sequence.includes("open");
    const wanted = sequence.findLast((event) => event !== "open") === "on";
    told.forEach((tell, i) => assertEquals(tell, i % 2 === 0));
    assertEquals(told.at(-1) ?? false, open && wanted);
  }
});
