import { assert, assertEquals } from "@std/assert";
import type { ClientCommand } from "../../../client/bridge.ts";
import { ProcessorInbox } from "../../../client/loops.ts";

function takeAll(inbox: ProcessorInbox): ClientCommand[] {
  const taken: ClientCommand[] = [];
  for (let next; (next = inbox.takeCommand());) taken.push(next);
  return taken;
}

Deno.test("commands are taken in the order in which they came", () => {
  const inbox = new ProcessorInbox();
  const commands: ClientCommand[] = ["start", "pause", "stop", "resume"];
  for (const command of commands) inbox.command(command);
  assertEquals(takeAll(inbox), commands);
  assertEquals(inbox.takeCommand(), undefined);
});

Deno.test("a command that changes nothing is not kept", () => {
  const inbox = new ProcessorInbox();
  for (let i = 0; i < 3; i++) inbox.command("pause");
  inbox.command("start");
  inbox.command("pause");
  assertEquals(takeAll(inbox), ["pause", "start"]);
  inbox.command("pause"); // its predecessor was taken: the loop decides
  assertEquals(takeAll(inbox), ["pause"]);
});

Deno.test("however many commands come, few wait, and the last of each switch is the last taken", () => {
  for (const last of [["start", "pause"], ["stop", "resume"]] as const) {
    const inbox = new ProcessorInbox();
    inbox.command("start");
    for (let i = 0; i < 2_000; i++) {
      inbox.command("pause");
      inbox.command("resume");
      if (i % 7 === 0) inbox.command("stop");
      if (i % 7 === 3) inbox.command("start");
    }
    for (const command of last) inbox.command(command);
    const taken = takeAll(inbox);
    assert(taken.length <= 16, `${taken.length} wait`);
    for (const [on, off] of [["start", "stop"], ["pause", "resume"]]) {
      const one = taken.filter((command) => command === on || command === off);
      assertEquals(
        one.at(-1),
        last.find((each) => each === on || each === off),
      );
      for (let i = 1; i < one.length; i++) assert(one[i] !== one[i - 1]);
    }
  }
});
