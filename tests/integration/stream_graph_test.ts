import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { Native } from "../../ffi/native.ts";
import { BridgeError } from "../../host/mod.ts";
import {
  graphTest,
  launchMember,
  type Member,
  type Picture,
  Sink,
  SMALL,
} from "../helpers/graph.ts";
import { drawNumber } from "../helpers/numbered_pictures.ts";
import { soon, until } from "../helpers/soon.ts";

/** Graphs of processes that Web Streams connect. */

/** Connects two hosts through a transform that sees each picture. */
function pipe(
  from: Member,
  to: Member,
  saw: (frame: Picture) => void,
): Promise<void> {
  return from.output.video.readable
    .pipeThrough(
      new TransformStream<Picture, Picture>({
        transform(frame, controller) {
          saw(frame);
          controller.enqueue(frame);
        },
      }),
    )
    .pipeTo(to.input.video.writable);
}

/** Writes numbered pictures until there are `count`, or the stream fails. */
async function write({ input }: Member, count: number): Promise<void> {
  const { video } = input;
  const writer = video.writable.getWriter();
  for (let n = 0; n < count; n++) {
    await soon(writer.ready, "room");
    const frame = video.acquire({
      ...SMALL,
      ...{ pixel_format: "rgba8", frame_number: BigInt(n) },
    });
    drawNumber(frame.pixel_buffer, BigInt(n));
    await soon(writer.write(frame), "room for the next");
  }
  await soon(writer.close(), "the close");
}

/** What a part of a graph ends with. */
function outcomeOf(part: Promise<unknown>): Promise<unknown> {
  return part.then(() => undefined, (error) => error);
}

graphTest(
  "200 pictures through two clients and a transform: each arrives once and in order, no pixel is copied, and the end travels",
  async () => {
    const first = launchMember("makes"), second = launchMember();
    const members = [first, second];
    await using held = new AsyncDisposableStack();
    for (const member of members) held.use(member);
    const seen: bigint[] = [];
    const piping = pipe(
      first,
      second,
      (frame) => seen.push(frame.frame_number),
    );
    const sink = new Sink(second);
    const reading = sink.all();
    for (const { input } of members) input.words.end();
    await write(first, 200);
    await soon(piping, "the end of the pipe");
    await soon(reading, "the end of the results");
    sink.isWhole(200n);
    assertEquals(seen, Array.from({ length: 200 }, (_, n) => BigInt(n)));
    assert(sink.memories.size <= first.output.video.capacity);
    for (const { stats } of members) {
      const { copied_bytes, dropped, lost, misfits } = stats;
      assertEquals([copied_bytes, dropped, lost, misfits], [0, 0, 0, 0]);
    }
  },
);

for (const victim of ["first", "second"] as const) {
  graphTest(
    `the ${victim} client of a pipe is killed: the pipe rejects with the failure of its host, and nothing is left`,
    async () => {
      const options = { restart: "never", warn: () => {} } as const;
      const members = {
        first: launchMember("makes", options),
        second: launchMember("", options),
      };
      const { first, second } = members;
      let seen = 0;
      const piping = outcomeOf(pipe(first, second, () => seen++));
      const reading = outcomeOf(new Sink(second).all());
      const writing = outcomeOf(write(first, 1e9));
      await until("pictures flow", () => seen > 20);
      Deno.kill(members[victim].clientPid, "SIGKILL");
      const failure = await soon(
        members[victim].ended,
        "the end of the killed",
      );
      assert(failure instanceof BridgeError);
      assertEquals(failure.code, "client_failed");
      assertStrictEquals(await soon(piping, "the end of the pipe"), failure);
      await soon(first.close(), "a close");
      await soon(second.close(), "a close");
      await soon(Promise.all([reading, writing]), "the other parts");
      using native = Native.open();
      await until(
        "all pictures are released",
        () => native.stats().by_kind.surface === 0,
        () => `${native.stats().by_kind.surface} surfaces`,
      );
    },
  );
}

graphTest(
  "a pipe goes on when the client behind it is killed and started again",
  async () => {
    const options = {
      restart: "on-failure",
      onRestart: () => {},
      warn: () => {},
    } as const;
    const first = launchMember("makes", options);
    const second = launchMember("", options);
    for (const { input } of [first, second]) input.words.end();
    const piping = pipe(first, second, () => {});
    const sink = new Sink(second);
    const reading = sink.all();
    const writing = outcomeOf(write(first, 300));
    await until("pictures arrive", () => sink.count > 20);
    Deno.kill(second.clientPid, "SIGKILL");
    assertEquals(await soon(writing, "all written"), undefined);
    await soon(first.close({ drain: true }), "the end of the first");
    await soon(piping, "the end of the pipe");
    await soon(reading, "the end of the results");
    const { lost, dropped } = second.stats;
    const missing = 300 - sink.count;
    assert(missing <= lost + dropped, `${missing} missing`);
    assertEquals([sink.newest, second.restarts], [299n, 1]);
    await soon(second.close(), "a close");
  },
);
