/**
 * Opens an input: a file, which can be read any number of times, or something
 * that can be read only once, such as standard input, a FIFO or `<(command)`.
 *
 * @module
 */

import { basename } from "node:path";
import { MediaError } from "./media_error.ts";
import { plainText, quoted } from "./quoted.ts";
import { prepended, watched } from "./watched.ts";
import { isY4m, MAX_LINE } from "./y4m.ts";

/** An input that exists and has at least one byte. */
export interface MediaInput {
  /** Its path as the user gave it. */
  readonly path: string;
  /** Its name for the user. */
  readonly name: string;
  /** Its path for a message: quoted and escaped. */
  readonly shown: string;
  /** Whether it can be opened again, from its first byte. */
  readonly isFile: boolean;
  /** The first bytes: the whole header line if it is Y4M with a line of a valid length. */
  readonly head: Uint8Array;
  /** Returns all bytes, from the first. If this is no file, only one call is possible. */
  open(): Promise<ReadableStream<Uint8Array>>;
}

/** The names of standard input. */
const STANDARD_INPUT = /^(-|\/dev\/stdin|\/(dev|proc\/self)\/fd\/0)$/;
const LINE_END = 0x0a;

/**
 * Opens an input and reads its first bytes.
 *
 * @param path a path, or `-` for standard input
 * @param stop ends the wait for the first bytes, and for all others
 * @throws {MediaError} `input_not_found` if there is no such file, `input_unreadable`
 * if it is a folder, empty, a terminal, or cannot be read
 */
export async function openInput(
  path: string,
  stop?: AbortSignal,
): Promise<MediaInput> {
  const isStandard = STANDARD_INPUT.test(path);
  const shown = isStandard ? "standard input" : quoted(path);
  const refuse = (found: string): never => {
    throw new MediaError("input_unreadable", `Cannot read ${shown}: ${found}`);
  };
  if (isStandard && Deno.stdin.isTerminal()) {
    refuse("it is a terminal; pipe a video into it, or give a file");
  }
  const isFile = !isStandard && await isRegular(path, shown);
  const open = async (): Promise<ReadableStream<Uint8Array>> =>
    watched(
      isStandard ? Deno.stdin.readable : await openFile(path, shown, stop),
      { stop, describe: (error) => unreadable(shown, error) },
    );
  const stream = await open();
  const head = await readHead(stream);
  if (isFile || head.length === 0) await stream.cancel();
  if (head.length === 0) refuse("it is empty");
  return {
    path,
    name: isStandard ? "standard input" : basename(path),
    shown,
    isFile,
    head,
    open: async () => isFile ? await open() : prepended(head, stream),
  };
}

/** Whether the path is a file that can be read again. */
async function isRegular(path: string, shown: string): Promise<boolean> {
  let info: Deno.FileInfo;
  try {
    info = await Deno.stat(path);
  } catch (error) {
    throw unreadable(shown, error);
  }
  if (info.isDirectory) {
    throw new MediaError(
      "input_unreadable",
      `Cannot read ${shown}: it is a folder; give a video or a picture`,
    );
  }
  return info.isFile;
}

/** Opens a file. A FIFO has no reader before it has a writer, so this can wait for long. */
async function openFile(
  path: string,
  shown: string,
  stop: AbortSignal | undefined,
): Promise<ReadableStream<Uint8Array>> {
  stop?.throwIfAborted();
  const stopped = Promise.withResolvers<never>();
  const onAbort = (): void => stopped.reject(stop?.reason);
  stop?.addEventListener("abort", onAbort);
  const opening = Deno.open(path);
  try {
    return (await Promise.race([opening, stopped.promise])).readable;
  } catch (error) {
    opening.then((file) => file.close(), () => {});
    throw stop?.aborted ? error : unreadable(shown, error);
  } finally {
    stop?.removeEventListener("abort", onAbort);
  }
}

/** Reads what tells Y4M from other formats, and the whole header line if it is Y4M. */
async function readHead(
  stream: ReadableStream<Uint8Array>,
): Promise<Uint8Array> {
  const reader = stream.getReader();
  let head = new Uint8Array(0);
  while (head.length < MAX_LINE && isY4m(head) && !head.includes(LINE_END)) {
    const { done, value } = await reader.read();
    if (done) break;
    const joined = new Uint8Array(head.length + value.length);
    joined.set(head);
    joined.set(value, head.length);
    head = joined;
  }
  reader.releaseLock();
  return head;
}

/** Why something cannot be opened or read. */
function unreadable(shown: string, error: unknown): MediaError {
  if (error instanceof Deno.errors.NotFound) {
    const isAddress = /^"[a-z][a-z0-9+.-]+:\/\//i.test(shown);
    return new MediaError(
      "input_not_found",
      `Cannot open ${shown}: there is no such file; ${
        isAddress
          ? "the demo reads files and standard input, not addresses"
          : "give a video or a picture, or nothing for the shipped clip"
      }`,
      { cause: error },
    );
  }
  return new MediaError(
    "input_unreadable",
    `Cannot read ${shown}: ${whyNot(error)}`,
    { cause: error },
  );
}

function whyNot(error: unknown): string {
  if (error instanceof Deno.errors.PermissionDenied) {
    return "this user has no permission to read it";
  }
  if (error instanceof Deno.errors.NotCapable) {
    return "Deno does not permit it; pipe it in, and give --input - instead";
  }
  return systemReason(error);
}

/** The system's words for an error, such as "No space left on device", without the call that Deno adds. */
export function systemReason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return plainText(message.replace(/ \(os error \d+\).*$/s, ""));
}
