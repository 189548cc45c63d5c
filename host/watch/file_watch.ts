/**
 * Tells when one of some files has changed.
 *
 * @module
 */

import { dirname } from "node:path";
import { describeError } from "../../proto/errors.ts";
import type { FindFiles } from "./module_files.ts";

/** How long nothing may change before a change is told: an editor writes more than once. */
const QUIET_MS = 100;
/** The most waits for that, for a file that is written without end. */
const MAX_WAITS = 20;

/** What a watch reports. */
export interface WatchEvents {
  /** A file has changed, was removed or made. Called once for changes that come together. */
  changed(path: string): void;
  /** The files cannot be watched, or no longer. */
  failed(why: string): void;
}

/** Watches the files of a module. After each change it finds them anew. */
export class FileWatch implements AsyncDisposable {
  readonly #find: FindFiles;
  readonly #events: WatchEvents;
  readonly #over = new AbortController();
  readonly #ended: Promise<void>;
  /** What is known of each file. */
  #stamps: ReadonlyMap<string, Stamp> = new Map();
  /** When the last change was told, or the watch began, in milliseconds since 1970. The client starts after it. */
  #since = Date.now();
  #watcher: Deno.FsWatcher | undefined;

  /** Begins at once. */
  constructor(find: FindFiles, events: WatchEvents) {
    this.#find = find;
    this.#events = events;
    this.#ended = this.#run();
  }

  async #run(): Promise<void> {
    const { signal } = this.#over;
    try {
      while (!signal.aborted) {
        const files = await this.#find(signal);
        if (signal.aborted) return;
        const path = await this.#change(files);
        if (path === undefined) continue;
        this.#since = Date.now();
        this.#events.changed(path);
      }
    } catch (error) {
      if (!signal.aborted) this.#events.failed(describeError(error));
    }
  }

  /** Resolves when a file has changed since the last call, with its path, or with `undefined` at the end. */
  async #change(files: ReadonlySet<string>): Promise<string | undefined> {
    // Folders: a file that is replaced by another one is a new file.
    const folders = new Set([...files].map(dirname));
    using watcher = Deno.watchFs([...folders], { recursive: false });
    this.#watcher = watcher;
    // What has changed while nothing was watched.
    let changed = this.#news(files);
    if (changed === undefined) {
      // Whatever the event: the system may write a path in another form.
      for await (const _ of watcher) {
        await quiet();
        changed = this.#news(files);
        if (changed !== undefined) break;
      }
    }
    for (let waits = 0; changed !== undefined && waits < MAX_WAITS; waits++) {
      await quiet();
      if (this.#news(files) === undefined) break;
    }
    this.#watcher = undefined;
    return this.#over.signal.aborted ? undefined : changed;
  }

  /**
   * Looks at the files. Returns one that is not as at the last look; of those that
   * were not looked at, one that was written since the client may have loaded it.
   */
  #news(files: ReadonlySet<string>): string | undefined {
    const before = this.#stamps;
    const now = new Map([...files].map((path) => [path, stampOf(path)]));
    this.#stamps = now;
    return [...files].find((path) => {
      const last = before.get(path);
      const { text, writtenAt } = now.get(path)!;
      return last ? last.text !== text : writtenAt > this.#since;
    });
  }

  /** Ends the watch. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    this.#watcher?.close();
    await this.#ended;
  }
}

function quiet(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, QUIET_MS));
}

/** How a file was at a look. */
interface Stamp {
  /** Changes with the file; "" if there is none. */
  readonly text: string;
  /** In milliseconds since 1970; 0 if there is no file. */
  readonly writtenAt: number;
}

function stampOf(path: string): Stamp {
  try {
    const { mtime, size, ino } = Deno.statSync(path);
    const writtenAt = mtime?.getTime() ?? 0;
    return { text: `${writtenAt} ${size} ${ino}`, writtenAt };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      return { text: "", writtenAt: 0 };
    }
    throw error;
  }
}
