import { assert, assertEquals } from "@std/assert";
import { LiveScreen } from "../../../../cli/terminal/live_screen.ts";
import { Presence } from "../../../../cli/presence.ts";
import { BridgeError } from "../../../../proto/errors.ts";
import { TestConsole } from "../../../helpers/cli.ts";

Deno.test("live screen: drawn over itself, never taller than the terminal, given back at the end", () => {
  const { out } = new TestConsole({ columns: 20, rows: 4 });
  const screen = new LiveScreen(out);
  assertEquals(out.take(), "\x1b[?1049h\x1b[?25l");
  screen.draw(() => ["a", "b"]);
  assertEquals(out.take(), "\x1b[H\x1b[Ka\n\x1b[Kb\n\x1b[J");
  screen.draw(() => ["1", "2", "3", "4"]);
  assertEquals(
    out.take(),
    "\x1b[H\x1b[K1\n\x1b[K2\n\x1b[K… 2 more lines\n\x1b[J",
  );
  screen.say("gone\x1b[2J");
  assertEquals(
    out.take(),
    "\x1b[H\x1b[K1\n\x1b[K… 3 more lines\n\x1b[Kgone\\u001b[2J\n\x1b[J",
  );
  screen[Symbol.dispose]();
  assertEquals(out.take(), "\x1b[?25h\x1b[?1049l1\n2\n3\n4\n");
});

Deno.test("presence: a broker that goes is told of once, one that is back likewise", () => {
  const said: string[] = [];
  const presence = new Presence(
    { address: "unix:/s", checkLoss: () => {} },
    (words) => said.push(words),
  );
  presence.answered();
  presence.failed(new BridgeError("broker_unreachable", "gone"));
  presence.failed(new BridgeError("broker_lost", "gone"));
  presence.answered();
  presence.answered();
  presence.lost();
  assertEquals(said.map((words) => words.replace(/;.*/, "")), [
    "The broker at unix:/s has gone",
    "The broker at unix:/s is back.",
    "The broker at unix:/s has gone",
  ]);
  const wrong = new BridgeError("not_permitted", "as many as may be");
  let thrown: unknown;
  try {
    presence.failed(wrong);
  } catch (error) {
    thrown = error;
  }
  assert(thrown === wrong);
});
