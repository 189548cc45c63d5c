import { assert, assertEquals } from "@std/assert";
import { ByteReader } from "../../../../demo/input/byte_reader.ts";
import { chunked, endless, joined } from "./streams.ts";

Deno.test("lines and runs of bytes come out whole in chunks of any size", async () => {
  const bytes = joined("one\n\ntwo words\n", [1, 2, 3, 4, 5], "\nend");
  for (const size of [1, 2, 3, 7, 100]) {
    await using reader = new ByteReader(chunked(bytes, size));
    assertEquals(await reader.line(80), "one");
    assertEquals(await reader.line(80), "");
    assertEquals(await reader.line(80), "two words");
    const body = new Uint8Array(5);
    assertEquals(await reader.fill(body), 5);
    assertEquals([...body], [1, 2, 3, 4, 5]);
    assertEquals(await reader.line(80), "");
    assertEquals(await reader.line(80), "end");
    assertEquals(await reader.line(80), null);
  }
});

Deno.test("empty chunks are no end", async () => {
  const stream = ReadableStream.from([
    new Uint8Array(0),
    joined("a"),
    new Uint8Array(0),
    joined("b\n"),
  ]);
  await using reader = new ByteReader(stream);
  assertEquals(await reader.line(80), "ab");
});

Deno.test("a run that the stream ends in says how much came", async () => {
  await using reader = new ByteReader(chunked(joined([1, 2, 3]), 2));
  const body = new Uint8Array(5);
  assertEquals(await reader.fill(body), 3);
  assertEquals([...body], [1, 2, 3, 0, 0]);
  assertEquals(await reader.fill(body), 0);
});

Deno.test("a line is cut at its limit", async () => {
  const { stream } = endless(joined("xxxxxxxx"));
  await using reader = new ByteReader(stream);
  assertEquals((await reader.line(20))!.length, 20);
});

Deno.test("disposing cancels the stream", async () => {
  const { stream, cancelled } = endless(joined("x"));
  {
    await using reader = new ByteReader(stream);
    await reader.line(1);
    assert(!cancelled());
  }
  assert(cancelled());
});
