import { assert, assertEquals, assertRejects } from "@std/assert";
import { prepended, watched } from "../../../../demo/input/watched.ts";
import { soon } from "../../../helpers/soon.ts";
import { chunked, endless, joined } from "./streams.ts";

/** A stream that brings nothing, and records whether it was cancelled. */
function silent(): { stream: ReadableStream<Uint8Array>; cancelled: boolean } {
  const record = {
    cancelled: false,
    stream: new ReadableStream<Uint8Array>({
      cancel: () => {
        record.cancelled = true;
      },
    }),
  };
  return record;
}

Deno.test("a watched stream passes all bytes and the end on", async () => {
  const stream = watched(chunked(joined("abcdef"), 4), {});
  assertEquals(await new Response(stream).text(), "abcdef");
});

Deno.test("a read that waits fails when it is stopped", async () => {
  const stop = new AbortController();
  const source = silent();
  const reader = watched(source.stream, { stop: stop.signal }).getReader();
  const waiting = assertRejects(() => reader.read(), Error, "enough");
  stop.abort(new Error("enough"));
  await soon(waiting, "the rejection");
  const late = watched(silent().stream, { stop: stop.signal }).getReader();
  await soon(assertRejects(() => late.read(), Error, "enough"), "the next");
});

Deno.test("a silent stream is asked about, and fails with the answer", async () => {
  const answers = [undefined, undefined, new Error("silent")];
  const reader = watched(silent().stream, {
    silence: { ms: 1, error: () => answers.shift() },
  }).getReader();
  await soon(
    assertRejects(() => reader.read(), Error, "silent"),
    "the rejection",
  );
  assertEquals(answers.length, 0);
});

Deno.test("an error of the stream is described", async () => {
  const broken = new ReadableStream<Uint8Array>({
    pull: () => Promise.reject(new Error("EIO")),
  });
  const describe = (error: unknown): Error =>
    new Error(`described: ${(error as Error).message}`);
  const reader = watched(broken, { describe }).getReader();
  await assertRejects(() => reader.read(), Error, "described: EIO");
});

Deno.test("cancelling cancels the source, also while a read waits", async () => {
  const source = silent();
  const reader = watched(source.stream, {}).getReader();
  const waiting = reader.read();
  await soon(reader.cancel(), "the cancelling");
  assertEquals((await soon(waiting, "the read")).done, true);
  assert(source.cancelled);
});

Deno.test("bytes that were read are put before the rest", async () => {
  const whole = prepended(joined("ab"), chunked(joined("cdef"), 3));
  assertEquals(await new Response(whole).text(), "abcdef");
  const { stream, cancelled } = endless(joined("x"));
  await prepended(joined("a"), stream).cancel();
  assert(cancelled());
});
