import { assert, assertEquals, assertRejects } from "@std/assert";
import type { ClientCommand } from "../../../client/bridge.ts";
import { nextTurn } from "../../../channel/activity.ts";
import { DoingNote } from "../../../client/doing.ts";
import { ProcessorInbox, runLoop } from "../../../client/loops.ts";
import {
  continuous,
  manual,
  type Processor,
  reactive,
} from "../../../client/processor.ts";
import type { AnyContext } from "../../../client/context.ts";
import { soon, until } from "../../helpers/soon.ts";

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

/** The loop of a processor whose one input and output the test plays. */
class Stage {
  readonly inbox = new ProcessorInbox();
  readonly progress = {
    transferred: 0,
    unread: 0,
    read: 0,
    incomingEnded: false as boolean | undefined,
    spin: () => false,
    idles: () => {},
    turn: nextTurn,
  };
  /** What was called, and what the host was told. */
  readonly log: string[] = [];
  readonly #abort = new AbortController();
  loop!: Promise<void>;

  run(processor: Processor): void {
    const context = {
      input: {},
      output: { results: { end: () => this.log.push("end") } },
      signal: this.#abort.signal,
    } as unknown as AnyContext;
    this.loop = runLoop(
      processor,
      context,
      this.progress,
      this.inbox,
      new DoingNote({ doing: 0 }),
      () => this.log.push("flushed"),
    );
  }

  /** The host ends the input. */
  end(unread = 0): void {
    this.progress.incomingEnded = true;
    this.progress.unread = unread;
    this.inbox.portEnded();
  }

  /** The processor reads what is left. */
  read(): void {
    this.progress.unread = 0;
    this.inbox.portEnded();
  }

  /** Lets the loop do all that it can do. */
  async settle(): Promise<void> {
    for (let n = 0; n < 20; n++) await nextTurn();
  }

  /** The channel ends. */
  abort(): void {
    this.#abort.abort();
    this.inbox.activity.changed();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.abort();
    await soon(this.loop, "the end of the loop");
  }

  async isDone(): Promise<void> {
    await until("the flush", () => this.log.includes("flushed"));
    assertEquals(this.log.slice(-3), ["flush", "end", "flushed"]);
  }
}

Deno.test("reactive: flush is called when process leaves what is left, then the outputs end", async () => {
  await using stage = new Stage();
  const { log } = stage;
  stage.run(
    reactive({
      process: () => void log.push("process"),
      flush: () => void log.push("flush"),
    }),
  );
  stage.end(3);
  await stage.isDone();
  assertEquals(log, ["process", "flush", "end", "flushed"]);
});

Deno.test("reactive: a channel that ends while the loop waits awake ends the loop", async () => {
  const stage = new Stage();
  stage.progress.spin = () => {
    stage.abort();
    return false;
  };
  stage.run(reactive({ process: () => {} }));
  await soon(stage.loop, "the end of the loop");
});

Deno.test("a processor without flush ends its outputs all the same", async () => {
  await using stage = new Stage();
  stage.run(reactive({ process: () => {} }));
  stage.end();
  await until("the end", () => stage.log.length === 2);
  assertEquals(stage.log, ["end", "flushed"]);
});

Deno.test("continuous: the end of the inputs ends a rest, and process is not called any more", async () => {
  await using stage = new Stage();
  const { log } = stage;
  stage.run(continuous({
    restMs: 2 ** 31 - 1,
    process: () => void log.push("process"),
    flush: () => void log.push("flush"),
  }));
  await until("the first call", () => log.length > 0);
  stage.end();
  await stage.isDone();
  assertEquals(log, ["process", "flush", "end", "flushed"]);
});

Deno.test("continuous: what comes without end and is no work ends no rest, but commands and frames do", async () => {
  await using stage = new Stage();
  const { inbox, log, progress } = stage;
  let spins = 0;
  progress.spin = () => spins++ < 100_000; // then it gives up
  stage.run(continuous({
    restMs: 2 ** 31 - 1,
    process: () => void log.push("process"),
    pause: () => void log.push("pause"),
    resume: () => void log.push("resume"),
  }));
  await stage.settle();
  assert(spins < 100, `${spins} spins in 20 turns`);
  assertEquals(log.splice(0), ["process"]);
  inbox.command("pause");
  inbox.command("resume");
  await stage.settle();
  assertEquals(log.splice(0), ["pause", "resume", "process"]);
  inbox.arrived();
  await stage.settle();
  assertEquals(log.splice(0), ["process"]);
});

Deno.test("continuous: without a rest the event loop has its turns all the same", async () => {
  await using stage = new Stage();
  let calls = 0;
  let timers = 0;
  const timer = setInterval(() => timers++, 1);
  stage.run(continuous({
    restMs: 0,
    process() {
      // A loop that gives no turn would call it for ever.
      if (++calls > 1_000_000) throw new Error("no timer has come");
    },
  }));
  await until("timers", () => timers > 3, () => `${calls} calls`);
  clearInterval(timer);
  assert(calls > 1);
});

Deno.test("continuous: what comes while a call waits for something else is not slept over", async () => {
  await using stage = new Stage();
  const { inbox, log } = stage;
  const goesOn = Promise.withResolvers<void>();
  stage.run(continuous({
    restMs: 2 ** 31 - 1,
    process: () => {
      log.push("process");
      return goesOn.promise;
    },
  }));
  await until("the first call", () => log.length > 0);
  inbox.arrived();
  goesOn.resolve();
  await until("the second call", () => log.length > 1);
});

Deno.test("continuous: a rest ends in its time, whatever comes", async () => {
  await using stage = new Stage();
  let calls = 0;
  stage.progress.spin = () => calls < 3; // then it gives up
  stage.run(continuous({ restMs: 1, process: () => void calls++ }));
  await until("the third call", () => calls >= 3);
});

Deno.test("continuous: an end during a call is not slept through", async () => {
  await using stage = new Stage();
  const called = Promise.withResolvers<void>();
  const goesOn = Promise.withResolvers<void>();
  stage.run(continuous({
    restMs: 2 ** 31 - 1,
    process: () => {
      called.resolve();
      return goesOn.promise;
    },
    flush: () => void stage.log.push("flush"),
  }));
  await soon(called.promise, "the call");
  stage.end();
  goesOn.resolve();
  await stage.isDone();
});

Deno.test("without inputs nothing is flushed", async () => {
  await using stage = new Stage();
  stage.progress.incomingEnded = undefined;
  stage.run(reactive({ process: () => {}, flush: () => {} }));
  await stage.settle();
  assertEquals(stage.log, []);
});

Deno.test("paused, nothing is flushed; resumed, it is", async () => {
  const make = [
    (flush: () => void) => reactive({ process: () => {}, flush }),
    (flush: () => void) => continuous({ process: () => {}, flush }),
    (flush: () => void) => manual({ start: () => {}, flush }),
  ];
  for (const processor of make) {
    await using stage = new Stage();
    stage.inbox.command("pause");
    stage.run(processor(() => void stage.log.push("flush")));
    stage.end();
    await stage.settle();
    assertEquals(stage.log, []);
    stage.inbox.command("resume");
    await stage.isDone();
  }
});

Deno.test("manual: a start that runs is not flushed before it has returned", async () => {
  await using stage = new Stage();
  const { log } = stage;
  const start = Promise.withResolvers<void>();
  stage.run(manual({
    start: () => start.promise,
    flush: () => void log.push("flush"),
  }));
  stage.inbox.command("start");
  await stage.settle();
  stage.end();
  await stage.settle();
  assertEquals(log, []);
  start.resolve();
  await stage.isDone();
  stage.inbox.command("stop");
  stage.inbox.command("start"); // it has nothing left to do
  await stage.settle();
  assertEquals(log.length, 3);
});

Deno.test("manual: what start has begun may read to the end; what nobody reads is left to flush", async () => {
  for (const how of ["reads", "is stopped", "was never started"]) {
    await using stage = new Stage();
    const flush = (): void => void stage.log.push("flush");
    stage.run(manual({ start: () => {}, flush }));
    if (how !== "was never started") stage.inbox.command("start");
    await stage.settle();
    stage.end(2);
    await stage.settle();
    if (how !== "was never started") assertEquals(stage.log, [], how);
    if (how === "reads") stage.read();
    if (how === "is stopped") stage.inbox.command("stop");
    await stage.isDone();
  }
});

Deno.test("an error in flush ends the loop with it, and the outputs have no end", async () => {
  const make = [
    (flush: () => void) => reactive({ process: () => {}, flush }),
    (flush: () => void) => continuous({ process: () => {}, flush }),
    (flush: () => void) => manual({ start: () => {}, flush }),
  ];
  for (const processor of make) {
    const stage = new Stage();
    stage.run(processor(() => {
      throw new RangeError("nothing to flush");
    }));
    stage.end();
    await assertRejects(() => soon(stage.loop, "its end"), RangeError);
    assertEquals(stage.log, []);
  }
});
