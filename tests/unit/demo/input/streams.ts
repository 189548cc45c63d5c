/** Byte streams for the tests of readers. */

/** A stream of `bytes` in chunks of `size`. */
export function chunked(
  bytes: Uint8Array,
  size: number,
): ReadableStream<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    chunks.push(bytes.slice(at, at + size));
  }
  return ReadableStream.from(chunks);
}

/** Joins texts, one byte for each character, and bytes. */
export function joined(...parts: (string | number[])[]): Uint8Array {
  return Uint8Array.from(
    parts.flatMap((part) =>
      typeof part === "string" ? [...part].map((c) => c.charCodeAt(0)) : part
    ),
  );
}

/** A stream that does not end, and records whether it was cancelled. */
export function endless(
  chunk: Uint8Array,
): { stream: ReadableStream<Uint8Array>; cancelled: () => boolean } {
  let cancelled = false;
  const stream = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(chunk),
    cancel: () => {
      cancelled = true;
    },
  });
  return { stream, cancelled: () => cancelled };
}
