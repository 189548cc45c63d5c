/**
 * Byte streams whose reader does not wait for ever, and whose first bytes can be
 * put back.
 *
 * @module
 */

/** When and how a watched stream ends early. */
export interface WatchOptions {
  /** If it aborts, a read that waits fails with its reason. */
  readonly stop?: AbortSignal | undefined;
  /** Makes the error that the reader gets of an error of the stream. */
  readonly describe?: (error: unknown) => unknown;
  /** Asked whenever a read has waited for another `ms` milliseconds: the read fails with the error that it returns, if it returns one. */
  readonly silence?: {
    readonly ms: number;
    readonly error: () => Error | undefined;
  };
}

/**
 * Passes a stream on, and fails a read that takes too long.
 *
 * @param stream taken; cancelled when the returned stream is
 */
export function watched(
  stream: ReadableStream<Uint8Array>,
  options: WatchOptions,
): ReadableStream<Uint8Array> {
  const reader = stream.getReader();
  return new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      const { done, value } = await readWatched(reader, options);
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: async (reason) => await reader.cancel(reason),
  }, { highWaterMark: 0 });
}

async function readWatched(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  { stop, describe, silence }: WatchOptions,
): Promise<ReadableStreamReadResult<Uint8Array>> {
  stop?.throwIfAborted();
  const early = Promise.withResolvers<never>();
  const onAbort = (): void => early.reject(stop?.reason);
  stop?.addEventListener("abort", onAbort);
  const timer = silence && setInterval(() => {
    const error = silence.error();
    if (error !== undefined) early.reject(error);
  }, silence.ms);
  const read = reader.read().catch((error) => {
    throw describe ? describe(error) : error;
  });
  try {
    return await Promise.race([read, early.promise]);
  } catch (error) {
    read.catch(() => {}); // it may fail too, and nobody waits for it any more
    throw error;
  } finally {
    clearInterval(timer);
    stop?.removeEventListener("abort", onAbort);
  }
}

/**
 * Returns a stream of `first`, then of all that `rest` still has.
 *
 * @param rest taken; cancelled when the returned stream is
 */
export function prepended(
  first: Uint8Array,
  rest: ReadableStream<Uint8Array>,
): ReadableStream<Uint8Array> {
  const reader = rest.getReader();
  let head: Uint8Array | undefined = first;
  return new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      if (head !== undefined) {
        controller.enqueue(head);
        head = undefined;
        return;
      }
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: async (reason) => await reader.cancel(reason),
  }, { highWaterMark: 0 });
}
