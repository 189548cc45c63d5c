import { assertEquals } from "@std/assert";
import { Activity } from "../../../channel/activity.ts";
import { RequestQueue } from "../../../client/request_queue.ts";

/** A queue, what it has handled, and which of its requests are due. */
function stage(): {
  queue: RequestQueue;
  handled: string[];
  due: Set<string>;
  add(name: string): void;
} {
  const queue = new RequestQueue(new Activity());
  const handled: string[] = [];
  const due = new Set<string>();
  return {
    queue,
    handled,
    due,
    add: (name) =>
      queue.push({
        isDue: () => due.has(name),
        run: () => Promise.resolve(void handled.push(name)),
      }),
  };
}

Deno.test("requests are handled in their order, when they are due", async () => {
  const { queue, handled, due, add } = stage();
  for (const name of ["a", "b", "c"]) add(name);
  due.add("a").add("c");
  await queue.look(0);
  assertEquals([handled, queue.hasAny, queue.hasDue], [["a"], true, false]);
  due.add("b");
  assertEquals(queue.hasDue, true);
  await queue.look(1);
  assertEquals([handled, queue.hasAny], [["a", "b", "c"], false]);
});

Deno.test("a frame that is left unread holds a request back for one look", async () => {
  const { queue, handled, add } = stage();
  add("a");
  await queue.look(3);
  await queue.look(4); // something was read
  await queue.look(5);
  assertEquals(handled, []);
  await queue.look(5);
  assertEquals(handled, ["a"]);
});

Deno.test("a patient look waits longer, and a look for all does not wait", async () => {
  const { queue, handled, add } = stage();
  add("a");
  for (let n = 0; n < 64; n++) await queue.look(0, "patient");
  assertEquals(handled, []);
  await queue.look(0, "patient");
  assertEquals(handled, ["a"]);
  add("b");
  await queue.look(0, "all");
  assertEquals(handled, ["a", "b"]);
});

Deno.test("a look after a request was handled begins to wait anew", async () => {
  const { queue, handled, due, add } = stage();
  add("a");
  await queue.look(0);
  due.add("a");
  await queue.look(0);
  add("b");
  await queue.look(0);
  assertEquals(handled, ["a"]);
});

Deno.test("a request that is removed is not handled", async () => {
  const queue = new RequestQueue(new Activity());
  const request = {
    isDue: () => true,
    run: () => Promise.reject(new Error("it was handled")),
  };
  queue.push(request);
  queue.remove(request);
  assertEquals(queue.hasAny, false);
  await queue.look(0);
});
