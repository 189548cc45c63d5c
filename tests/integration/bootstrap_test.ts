/**
 * A bootstrap from TypeScript, with children that are real processes. The messages,
 * the registry and the server have tests of their own, in C.
 */

import {
  assert,
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { Bootstrap, type BootstrapEvent } from "../../ffi/mod.ts";
import type { Connection } from "../../ffi/connection.ts";
import type { ListenerEvents } from "../../ffi/listener.ts";
import { Native } from "../../ffi/native.ts";
import { inheritedChannel } from "../../ffi/own_names.ts";
import { CollectedText, statusOf } from "../helpers/child.ts";
import { isolatedHome } from "../helpers/home.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { refusedCall } from "../helpers/refused_call.ts";
import { lapse, soon, until } from "../helpers/soon.ts";

const NAME = "com.example.bootstrap";
const NEEDS = {
  read: true,
  write: true,
  env: true,
  run: true,
  service: true,
  linux: "a bootstrap that was tried",
} as const;
const CHILD = new URL("../fixtures/bootstrap_child.ts", import.meta.url);

/** What a child is started with. */
function childOptions(...args: string[]): Deno.CommandOptions {
  return {
    args: ["run", "-A", "-q", "--no-check", CHILD.pathname, ...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  };
}

/** A listener that answers each request with this process's id. */
const ANSWERS: ListenerEvents = {
  peer: (peer) =>
    peer.activate({
      message: (message) => {
        using _ = message;
        message.reply({ pid: String(Deno.pid) });
      },
      ended: () => peer[Symbol.dispose](),
    }),
  ended: () => {},
};

/** Asks, and returns the process id that answers. */
async function ask(connection: Connection): Promise<string> {
  connection.activate({ message: (m) => m[Symbol.dispose](), ended: () => {} });
  using reply = await connection.request({ text: "?" }, { timeoutMs: 100_000 });
  return String(reply.body["pid"]);
}

/** Runs a child that asks for a name. Returns what it prints. */
async function askFromChild(
  start: (options: Deno.CommandOptions) => Deno.ChildProcess,
  name = NAME,
): Promise<string> {
  const child = start(childOptions("ask", name));
  await child.stdin.close();
  const { stdout } = await soon(child.output(), "the child's answer");
  return new TextDecoder().decode(stdout).trim();
}

/** A child that serves a name. Disposing it ends it. */
async function server(
  bootstrap: Bootstrap,
  name = NAME,
): Promise<AsyncDisposable & { readonly pid: number }> {
  const child = bootstrap.spawn(Deno.execPath(), childOptions("serve", name));
  const said = new CollectedText(child.stdout);
  await said.until("the child's listener", (text) => text.includes("\n"));
  assertEquals(said.text, "serving\n");
  return {
    pid: child.pid,
    [Symbol.asyncDispose]: async () => {
      await child.stdin.close();
      await statusOf(child, "the child's end");
    },
  };
}

function descriptors(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

permittedTest(
  "a name of this process: one listener serves it, who waits for it gets it, and it ends with its listener",
  NEEDS,
  async () => {
    using bootstrap = Bootstrap.create();
    const waits = bootstrap.connect(NAME);
    assertEquals(bootstrap.tryConnect(NAME), undefined);
    {
      using _listener = bootstrap.register(NAME, ANSWERS);
      using connection = await soon(waits, "the connection");
      assertEquals(await ask(connection), String(Deno.pid));
      const again = Promise.try(() => bootstrap.register(NAME, ANSWERS));
      const taken = await refusedCall(again, "name_in_use");
      assertStringIncludes(taken, NAME);
    }
    await until("the end of the name", () => {
      using connection = bootstrap.tryConnect(NAME);
      return connection === undefined;
    });
    using _next = bootstrap.register(NAME, ANSWERS);
    using connection = await soon(bootstrap.connect(NAME), "the next one");
    assertEquals(await ask(connection), String(Deno.pid));
  },
);

permittedTest(
  "a wait for a name ends in time, when it is called off, and with the bootstrap",
  NEEDS,
  async () => {
    const bootstrap = Bootstrap.create();
    const late = bootstrap.connect(NAME, { timeoutMs: 1 });
    assertStringIncludes(await refusedCall(late, "timed_out"), NAME);
    const off = new AbortController();
    const aborted = bootstrap.connect(NAME, { signal: off.signal });
    off.abort(new Error("no longer wanted"));
    await refusedCall(aborted, "aborted");
    const closed = bootstrap.connect(NAME);
    bootstrap[Symbol.dispose]();
    await refusedCall(closed, "closed");
    const after = Promise.try(() => bootstrap.register(NAME, ANSWERS));
    await refusedCall(after, "closed");
    bootstrap[Symbol.dispose]();
  },
);

permittedTest("impossible names are refused", NEEDS, async () => {
  using bootstrap = Bootstrap.create();
  for (const name of ["", "x".repeat(128), "a\0b", "é".repeat(64)]) {
    for (
      const call of [
        () => bootstrap.register(name, ANSWERS),
        () => bootstrap.tryConnect(name),
        () => bootstrap.declare(name, "true"),
      ]
    ) await refusedCall(Promise.try(call), "bad_argument");
  }
  using _long = bootstrap.register("x".repeat(127), ANSWERS);
});

permittedTest(
  "a child serves a name that its parent and its siblings reach, and nobody else",
  NEEDS,
  async () => {
    using _home = isolatedHome();
    using bootstrap = Bootstrap.create();
    using other = Bootstrap.create();
    const events: BootstrapEvent[] = [];
    const read = (async () => {
      for await (const event of bootstrap.events()) events.push(event);
    })();
    let pid = 0;
    {
      await using child = await server(bootstrap);
      pid = child.pid;
      using connection = await soon(bootstrap.connect(NAME), "the connection");
      assertEquals(await ask(connection), String(pid));
      const start = (within: Bootstrap) => (options: Deno.CommandOptions) =>
        within.spawn(Deno.execPath(), options);
      assertEquals(await askFromChild(start(bootstrap)), String(pid));
      const alone = (options: Deno.CommandOptions) =>
        new Deno.Command(Deno.execPath(), options).spawn();
      for (const outside of [start(other), alone]) {
        assertStringIncludes(
          await askFromChild(outside),
          "invalid: no such service",
        );
      }
      assertEquals(other.tryConnect(NAME), undefined);
    }
    await until(
      "the end of the name",
      () => events.some(({ type }) => type === "gone"),
    );
    bootstrap[Symbol.dispose]();
    await soon(read, "the end of the events");
    assertEquals(
      events.filter((event) => "pid" in event && event.pid === pid)
        .map(({ type }) => type).filter((type) => type !== "ended"),
      ["spawned", "registered", "gone"],
    );
  },
);

permittedTest(
  "what is connected goes on when the bootstrap is disposed, though nothing else holds the shim",
  NEEDS,
  async () => {
    using bootstrap = Bootstrap.create();
    using _listener = bootstrap.register(NAME, ANSWERS);
    using connection = await soon(bootstrap.connect(NAME), "the connection");
    assertEquals(await ask(connection), String(Deno.pid));
    bootstrap[Symbol.dispose]();
    using reply = await connection.request({ text: "?" }, {
      timeoutMs: 100_000,
    });
    assertEquals(reply.body["pid"], String(Deno.pid));
  },
);

permittedTest(
  "an error that a handler throws is printed as it is, and ends the process",
  NEEDS,
  async () => {
    const program = new URL(
      "../fixtures/throws_in_handler.ts",
      import.meta.url,
    );
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "-q", "--no-check", program.pathname],
      env: { NO_COLOR: "1" },
      stdin: "null",
      stderr: "piped",
    }).spawn();
    const { code, stderr } = await soon(child.output(), "the end");
    assertEquals(code, 1);
    assertStringIncludes(
      new TextDecoder().decode(stderr),
      "Uncaught Error: the handler's own words",
    );
  },
);

permittedTest(
  "a declared program that cannot be started is an event, and told to who waits for its name",
  NEEDS,
  async () => {
    using bootstrap = Bootstrap.create();
    const events = bootstrap.events();
    bootstrap.declare(NAME, "/no/such/program");
    const off = new AbortController();
    const waits = bootstrap.connect(NAME, { signal: off.signal });
    const { value } = await soon(events.next(), "the event");
    assert(value?.type === "failed");
    assertEquals(value.name, NAME);
    assertStringIncludes(value.reason, "/no/such/program");
    off.abort();
    await refusedCall(waits, "aborted");
    const late = bootstrap.connect(NAME, { timeoutMs: 1 });
    assertStringIncludes(
      await refusedCall(late, "timed_out"),
      "its server cannot be started: ",
    );
  },
);

permittedTest(
  "an iteration over events that waits ends when its return() is called",
  NEEDS,
  async () => {
    using bootstrap = Bootstrap.create();
    const events = bootstrap.events();
    const next = events.next();
    await soon(events.return!(), "the end of the iteration");
    assertEquals(await soon(next, "the end of the events"), {
      done: true,
      value: undefined,
    });
  },
);

permittedTest(
  "a name that a bootstrap does not know: of the one around it, then of this user; of an isolated one, of nobody",
  NEEDS,
  async () => {
    using _home = isolatedHome();
    using native = Native.open();
    using bootstrap = Bootstrap.create();
    using isolated = Bootstrap.create({ isolated: true });
    const { Listener } = await import("../../ffi/listener.ts");
    using service = Listener.ofService(native, NAME);
    service.activate(ANSWERS);
    assertEquals(
      await askFromChild((options) =>
        bootstrap.spawn(Deno.execPath(), options)
      ),
      String(Deno.pid),
    );
    assertEquals(
      await askFromChild((options) => isolated.spawn(Deno.execPath(), options)),
      `invalid: no such service: nobody serves '${NAME}' in the isolated tree of this process`,
    );
  },
);

permittedTest(
  "a declared server is started when somebody asks, once, and again after its end",
  NEEDS,
  async () => {
    using bootstrap = Bootstrap.create();
    const spawned: number[] = [];
    const read = (async () => {
      for await (const event of bootstrap.events()) {
        if (event.type === "spawned") spawned.push(event.pid);
      }
    })();
    const options = {
      ...childOptions("once", NAME),
      stdin: "null",
      stdout: "null",
    } as const;
    bootstrap.declare(NAME, Deno.execPath(), options);
    await lapse(50);
    assertEquals(spawned, []);
    for (let time = 1; time <= 2; time++) {
      const both = Promise.all([
        bootstrap.connect(NAME),
        bootstrap.connect(NAME),
      ]);
      const [first, second] = await soon(both, "the server");
      using one = first;
      using _two = second;
      assertEquals(await ask(one), String(spawned.at(-1)));
      assertEquals(spawned.length, time);
      await until("its end", () => {
        try {
          Deno.statSync(`/proc/${spawned.at(-1)}`);
          return false;
        } catch {
          return true;
        }
      });
    }
    bootstrap[Symbol.dispose]();
    await soon(read, "the end of the events");
  },
);

permittedTest(
  "a child of another thread or tool that inherits a channel without its variable does not use it",
  NEEDS,
  async () => {
    using _home = isolatedHome();
    using bootstrap = Bootstrap.create();
    using _listener = bootstrap.register(NAME, ANSWERS);
    const asked = bootstrap.offer(() =>
      askFromChild((options) =>
        new Deno.Command(Deno.execPath(), options).spawn()
      )
    );
    assertStringIncludes(
      await soon(asked, "the child's answer"),
      "invalid: no such service",
    );
    using native = Native.open();
    assertEquals(inheritedChannel(native), {});
  },
);

permittedTest(
  "events that nobody reads are counted, and a reader that is late hears how many it has missed",
  NEEDS,
  async () => {
    using bootstrap = Bootstrap.create();
    const events = bootstrap.events();
    for (let i = 0; i < 600; i++) {
      using _listener = bootstrap.register(`${NAME}.${i}`, ANSWERS);
    }
    let told = 0, lost = 0;
    while (told + lost < 1200) {
      const { value } = await soon(events.next(), `event ${told + lost}`);
      if (value.type === "lost") lost += value.count;
      else told++;
    }
    assertEquals(told + lost, 1200);
    assert(lost > 0);
    await events.return?.();
  },
);

permittedTest(
  "many children have a channel each, and leave no descriptor",
  NEEDS,
  async () => {
    using bootstrap = Bootstrap.create();
    using _listener = bootstrap.register(NAME, ANSWERS);
    await soon(bootstrap.spawn("true").status, "the first child");
    const before = descriptors();
    const children = Array.from({ length: 40 }, () =>
      bootstrap.spawn("sh", {
        args: ["-c", "test -S /proc/self/fd/${STREAMLIB_BOOTSTRAP%%:*}"],
        stdin: "null",
      }));
    for (const child of children) {
      assertEquals((await statusOf(child, "a child")).code, 0);
    }
    await until(
      "the end of the channels",
      () => descriptors() <= before,
      () => `${descriptors()} descriptors, ${before} before`,
    );
  },
);

permittedTest(
  "a program that is not there is an error of Deno's, and leaves no channel",
  NEEDS,
  async () => {
    using bootstrap = Bootstrap.create();
    // The channels of the test before may still be closing: one left open by each of
    // these attempts would be many more.
    const before = descriptors();
    for (let i = 0; i < 200; i++) {
      assertThrows(
        () => bootstrap.spawn("/no/such/program"),
        Deno.errors.NotFound,
      );
    }
    await until(
      "the end of the channels",
      () => descriptors() <= before,
      () => `${descriptors()} descriptors, ${before} before`,
    );
  },
);
