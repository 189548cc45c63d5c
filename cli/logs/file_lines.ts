/**
 * Reads the lines of a log file: the last ones, and new ones, also after the file was
 * rotated or truncated.
 *
 * @module
 */

import type { Console } from "../terminal/console.ts";
import { CommandError, EXIT } from "../exit.ts";
import { LineSplitter } from "./line_splitter.ts";
import { SinceFilter } from "../text/line_time.ts";

const POLL_MS = 200;
const CHUNK_BYTES = 64 * 1024;
const LINE_FEED = 10;
/** The command that shows the log file of each runtime. */
const LIST_RUNTIMES = "streamlib runtimes list --json";

/** Which lines to read. */
export interface WantedLines {
  /** The number of lines at the end of the file. */
  readonly last: number;
  /** The earliest time, milliseconds since the epoch; `undefined` for all lines. */
  readonly since: number | undefined;
}

/** A line, or a message about the file. */
export type FileEvent =
  | { readonly line: string }
  | { readonly words: string };

/** An open log file. */
export class LogFileReader implements Disposable {
  readonly #path: string;
  #file: Deno.FsFile;
  #position = 0;
  #splitter = new LineSplitter();

  /**
   * Opens a log file.
   *
   * @throws {CommandError} if it does not exist or is not a regular file
   */
  static async open(path: string): Promise<LogFileReader> {
    const file = await openFile(path);
    if (file !== undefined) return new LogFileReader(path, file);
    throw new CommandError(
      EXIT.notFound,
      `Cannot read the log ${path}: there is no such file; its runtime may not have written to it yet`,
      LIST_RUNTIMES,
    );
  }

  private constructor(path: string, file: Deno.FsFile) {
    this.#path = path;
    this.#file = file;
  }

  /**
   * Returns the wanted lines that the file has now. If {@link coming} `follows`, a last
   * line without a line feed is left for it.
   *
   * @throws {CommandError} if `since` is set and no line has a time
   */
  async lines(
    { last, since }: WantedLines,
    follows: boolean,
  ): Promise<string[]> {
    if (since === undefined) await this.#seekToLast(last);
    const filter = new SinceFilter(since);
    const lines: string[] = [];
    const take = (line: string): void => {
      if (filter.passes(line)) lines.push(line);
      if (lines.length > last) lines.shift();
    };
    for await (const line of this.#unread()) take(line);
    if (!follows) this.#splitter.end().forEach(take);
    if (since === undefined || filter.timed || this.#position === 0) {
      return lines;
    }
    throw new CommandError(
      EXIT.failed,
      `Cannot use --since: no line of ${this.#path} has a time`,
      "the same with -n N in its place",
    );
  }

  /** Yields new lines until `signal` aborts. */
  async *coming(
    console: Pick<Console, "pause">,
    signal: AbortSignal,
  ): AsyncGenerator<FileEvent, void, void> {
    while (!signal.aborted) {
      yield* this.#events();
      const replacement = await this.#replacement();
      if (replacement !== undefined) {
        yield* this.#events(); // written between the last read and the rename
        for (const line of this.#splitter.end()) yield { line };
        yield { words: `${this.#path} was replaced; the new file follows.` };
        this.#file.close();
        this.#file = replacement;
        this.#position = 0;
      } else if ((await this.#file.stat()).size < this.#position) {
        for (const line of this.#splitter.end()) yield { line };
        yield { words: `${this.#path} was truncated; it begins anew.` };
        await this.#seek(0);
      } else await console.pause(POLL_MS, signal);
    }
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#file.close();
  }

  async *#events(): AsyncGenerator<FileEvent, void, void> {
    for await (const line of this.#unread()) yield { line };
  }

  /** Yields complete lines up to the current end of the file. */
  async *#unread(): AsyncGenerator<string, void, void> {
    const chunk = new Uint8Array(CHUNK_BYTES);
    for (;;) {
      const count = await this.#file.read(chunk);
      if (count === null) return;
      this.#position += count;
      yield* this.#splitter.push(chunk.subarray(0, count));
    }
  }

  /** Opens the file that has replaced this one. Returns `undefined` if there is none; while no file has the path, the writer still uses the old one. */
  async #replacement(): Promise<Deno.FsFile | undefined> {
    const own = await this.#file.stat();
    const its = await statIfThere(this.#path);
    const same = own.ino === its?.ino && own.dev === its?.dev;
    return same ? undefined : await openFile(this.#path);
  }

  /** Moves the position to the beginning of the last `lines` lines. */
  async #seekToLast(lines: number): Promise<void> {
    const { size } = await this.#file.stat();
    if (lines === 0) return await this.#seek(size);
    const chunk = new Uint8Array(CHUNK_BYTES);
    let missing = lines;
    for (let end = size; end > 0;) {
      const start = Math.max(0, end - CHUNK_BYTES);
      await this.#seek(start);
      const count = await this.#file.read(chunk.subarray(0, end - start)) ?? 0;
      for (let at = count - 1; at >= 0; at--) {
        // The line feed at the end of the file does not begin a line.
        if (chunk[at] !== LINE_FEED || start + at === size - 1) continue;
        if (--missing < 1) return await this.#seek(start + at + 1);
      }
      end = start;
    }
    await this.#seek(0);
  }

  async #seek(position: number): Promise<void> {
    await this.#file.seek(position, Deno.SeekMode.Start);
    this.#position = position;
  }
}

/** Opens a file. Returns `undefined` if it does not exist. A pipe or a device is refused, because opening it could block. */
async function openFile(path: string): Promise<Deno.FsFile | undefined> {
  const info = await statIfThere(path);
  if (info === undefined) return undefined;
  if (!info.isFile) throw cannotRead(path, "it is not a regular file");
  return await unlessMissing(path, Deno.open(path));
}

function statIfThere(path: string): Promise<Deno.FileInfo | undefined> {
  return unlessMissing(path, Deno.stat(path));
}

async function unlessMissing<T>(
  path: string,
  found: Promise<T>,
): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw cannotRead(path, (error as Error).message);
  }
}

function cannotRead(path: string, why: string): CommandError {
  return new CommandError(
    EXIT.failed,
    `Cannot read the log ${path}: ${why}`,
    LIST_RUNTIMES,
  );
}
