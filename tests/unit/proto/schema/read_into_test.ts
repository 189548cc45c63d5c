import { assert, assertEquals, assertRejects } from "@std/assert";
import { BridgeError } from "../../../../proto/errors.ts";
import {
  type FillingReader,
  readInto,
} from "../../../../proto/schema/read_into.ts";
import type { Surface } from "../../../../proto/schema/surface.ts";
import {
  layoutWith,
  MemorySurface,
  noise,
} from "../../../helpers/memory_surface.ts";

/** A surface of 12 packed bytes, with padding. */
function picture(): MemorySurface {
  const size = { width: 3, height: 2, pixel_format: "nv12" } as const;
  return new MemorySurface(layoutWith(size, 5));
}

/** A byte stream that gives these bytes in chunks. */
function stream(
  bytes: Uint8Array<ArrayBuffer>,
  chunk: number,
): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    type: "bytes",
    pull(controller) {
      if (at < bytes.length) {
        controller.enqueue(bytes.slice(at, at += chunk));
      } else {
        controller.close();
        controller.byobRequest?.respond(0);
      }
    },
  });
}

/** Deno's `read` over these bytes, a few at a time. */
function reader(bytes: Uint8Array, chunk: number): FillingReader {
  let at = 0;
  return {
    read(into) {
      if (at === bytes.length) return Promise.resolve(null);
      const part = bytes.subarray(at, at + Math.min(chunk, into.length));
      into.set(part);
      at += part.length;
      return Promise.resolve(part.length);
    },
  };
}

for (
  const [name, source] of [["a byte stream", stream], [
    "a reader",
    reader,
  ]] as const
) {
  for (const chunk of [1, 4, 7, 1000]) {
    Deno.test(`${name} in chunks of ${chunk} fills one picture after the other and ends`, async () => {
      const surface = picture();
      const pipe = source(noise(30), chunk);
      for (let i = 0; i < 3; i++) {
        assertEquals(await readInto(surface, pipe), true);
        assertEquals(surface.copyTo(), noise(30).slice(10 * i, 10 * (i + 1)));
      }
      assertEquals(await readInto(surface, pipe), false);
      assertEquals(surface.copyTo(), noise(30).slice(20));
    });
  }

  Deno.test(`${name} that ends within a picture is an error that says where`, async () => {
    const surface = picture();
    const pipe = source(noise(17), 4);
    assertEquals(await readInto(surface, pipe), true);
    const error = await assertRejects(
      () => readInto(surface, pipe),
      BridgeError,
      "Cannot read a picture of 3 x 2 nv12: the pipe ended after 7 of its 10 bytes",
    );
    assertEquals(error.code, "bad_argument");
  });
}

Deno.test("a picture larger than what is read at once comes whole", async () => {
  const size = { width: 1000, height: 150, pixel_format: "gray8" } as const;
  const surface = new MemorySurface(layoutWith(size, 24));
  for (const source of [stream, reader]) {
    assertEquals(await readInto(surface, source(noise(150_000), 99_999)), true);
    assertEquals(surface.copyTo(), noise(150_000));
  }
});

Deno.test("a stream that is not of bytes, or is locked, is refused and can be used afterwards", async () => {
  const values = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(noise(10)),
  });
  const locked = stream(noise(10), 10);
  const lock = locked.getReader();
  for (
    const [wrong, words] of [
      [values, "it is not a byte stream"],
      [locked, "it is locked"],
    ] as const
  ) {
    const error = await assertRejects(
      () => readInto(picture(), wrong),
      BridgeError,
      words,
    );
    assertEquals(error.code, "bad_argument");
  }
  lock.releaseLock();
  assert(await readInto(picture(), locked));
  assertEquals((await values.getReader().read()).value, noise(10));
});

Deno.test("what is read from a pipe is counted as copied, and a failure of the pipe is passed on", async () => {
  const copies = { bytes: 0 };
  const surface = new MemorySurface(picture().layout, copies);
  await readInto(surface, reader(noise(10), 3));
  assertEquals(copies.bytes, 10);
  const broken = { read: () => Promise.reject(new Error("gone")) };
  await assertRejects(() => readInto(surface, broken), Error, "gone");
  const failing = new ReadableStream<Uint8Array>({
    type: "bytes",
    pull: (controller) => controller.error(new Error("gone")),
  });
  await assertRejects(() => readInto(surface, failing), Error, "gone");
  assertEquals(failing.locked, false);
});

Deno.test("an object that only looks like a surface is refused", async () => {
  const error = await assertRejects(
    () => readInto({ width: 1 } as Surface, reader(noise(1), 1)),
    BridgeError,
    "not a surface of a frame",
  );
  assertEquals(error.code, "bad_argument");
});
