import { assertEquals } from "@std/assert";
import { EventStream } from "../../../../demo/preview/event_stream.ts";

const text = new TextDecoder();

async function read(
  reader: ReadableStreamDefaultReader<Uint8Array>,
): Promise<string | undefined> {
  const { value } = await reader.read();
  return value && text.decode(value);
}

Deno.test("who listens hears the newest text first, then each", async () => {
  const stream = new EventStream();
  stream.send("old");
  stream.send("now");
  const reader = stream.listen()!.getReader();
  assertEquals(await read(reader), "data: now\n\n");
  const next = read(reader);
  stream.send("next");
  assertEquals(await next, "data: next\n\n");
  stream.end();
  assertEquals(await read(reader), undefined);
});

Deno.test("who is slow skips, and hears the last word all the same", async () => {
  const stream = new EventStream();
  const reader = stream.listen()!.getReader();
  for (let i = 0; i < 1000; i++) stream.send(String(i));
  stream.send("last");
  stream.end();
  assertEquals(await read(reader), "data: 0\n\n");
  assertEquals(await read(reader), "data: last\n\n");
  assertEquals(await read(reader), undefined);
});

Deno.test("it is known whether anybody listens", async () => {
  let came = 0;
  const stream = new EventStream(() => came++);
  assertEquals([stream.watched, came], [false, 0]);
  const body = stream.listen()!;
  assertEquals([stream.watched, came], [true, 1]);
  await body.cancel();
  assertEquals(stream.watched, false);
  stream.send("to nobody");
  stream.end();
});
