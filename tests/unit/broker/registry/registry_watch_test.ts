import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { letters } from "../../../helpers/connection_events.ts";
import { FakeWorld } from "../../../helpers/fake_world.ts";
import { refusal, SPEC, taken } from "../../../helpers/registry.ts";

Deno.test("Registry: watchers hear every change in order, then the end, and none after", () => {
  const world = new FakeWorld();
  using registry = world.registry();
  const { id } = taken(registry.allocate(SPEC));
  const heard: string[] = [];
  const watcher = {
    changed: (connection: Parameters<typeof letters>[0]) =>
      void heard.push(letters(connection)),
    ended: () => void heard.push("end"),
  };
  const left: string[] = [];
  const leaving = registry.subscribe(id, {
    changed: (connection) => void left.push(letters(connection)),
    ended: () => void left.push("end"),
  });
  registry.subscribe(id, watcher);
  taken(registry.apply(id, { type: "host_alive" }));
  taken(registry.apply(id, { type: "host_alive" }));
  (leaving as Disposable)[Symbol.dispose]();
  taken(registry.apply(id, { type: "client_alive" }));
  taken(registry.store(id, world.endpoint()));
  taken(registry.store(id, world.endpoint()));
  taken(
    registry.apply(id, { type: "failure_reported", side: "host", reason: "" }),
  );
  taken(registry.apply(id, { type: "closed", reason: "" }));
  assertEquals(heard, ["Ap", "Aa", "Xa", "Fa", "end"]);
  assertEquals(left, ["Ap"]);
  registry.subscribe(id, watcher);
  registry.subscribe("unknown", watcher);
  assertEquals(heard.slice(5), ["end", "end"]);
});

Deno.test("Registry: a watcher that calls back in does not turn the order round for others", () => {
  using registry = new FakeWorld().registry();
  const { id } = taken(registry.allocate(SPEC));
  const heard: string[] = [];
  registry.subscribe(id, {
    changed: ({ host, client }) => {
      if (host === "alive" && client === "pending") {
        taken(registry.apply(id, { type: "client_alive" }));
      }
    },
    ended: () => {},
  });
  registry.subscribe(id, {
    changed: (connection) => void heard.push(letters(connection)),
    ended: () => {},
  });
  taken(registry.apply(id, { type: "host_alive" }));
  assertEquals(heard, ["Ap", "Aa"]);
});

Deno.test("Registry: a watcher that another one has just sent away hears nothing", () => {
  using registry = new FakeWorld().registry();
  const { id } = taken(registry.allocate(SPEC));
  let heard = 0;
  const second = new DisposableStack();
  registry.subscribe(id, {
    changed: () => second.dispose(),
    ended: () => {},
  });
  second.use(
    registry.subscribe(id, {
      changed: () => void heard++,
      ended: () => {},
    }) as Disposable,
  );
  taken(registry.apply(id, { type: "host_alive" }));
  assertEquals(heard, 0);
});

Deno.test("Registry: watchers of one connection are bounded", () => {
  using registry = new FakeWorld().registry({ watchersPerConnection: 1 });
  const { id } = taken(registry.allocate(SPEC));
  const watcher = { changed: () => {}, ended: () => {} };
  const first = registry.subscribe(id, watcher);
  assertStringIncludes(
    refusal(registry.subscribe(id, { ...watcher })),
    "limit",
  );
  (first as Disposable)[Symbol.dispose]();
  assert(Symbol.dispose in registry.subscribe(id, watcher));
});
