/**
 * The broker's log file: lines appended, and the file put aside when it has
 * grown, so that a broker that runs for ever does not fill the disk.
 *
 * ```text
 * broker.log      the newest
 * broker.log.1    the one before
 * broker.log.4    the oldest that is kept
 * ```
 *
 * @module
 */

import { dirname } from "node:path";
import { BridgeError } from "../../proto/errors.ts";

/** Bytes of a file, at the most, unless one line is longer. */
const MAX_BYTES = 4 << 20;
/** Files that are kept beside the newest. */
const KEPT = 4;

/** How much is kept. */
export interface LogFileLimits {
  /** Bytes of a file. */
  readonly bytes: number;
  /** Older files. */
  readonly kept: number;
}

const encoder = new TextEncoder();

/** A log file that is open for appending. */
export class LogFile implements Disposable {
  /** Where it is. */
  readonly path: string;
  readonly #limits: LogFileLimits;
  /** `undefined` after a rotation that failed half-way: the next line tries again. */
  #file: Deno.FsFile | undefined;
  #bytes = 0;
  /** The last line is there in part: the next must not be joined to it. */
  #torn = false;

  /**
   * Opens it, with mode 0600; its directory is made, with 0700, where it is
   * missing. Needs to read and write that directory.
   *
   * Throws BridgeError `not_permitted` without these permissions, when others
   * can write in the directory, and when something that is no file is in its
   * place; `native_failure` when the system refuses.
   *
   * @param path an absolute path
   * @param limits 4 MiB and four older files by default
   */
  static open(path: string, limits: Partial<LogFileLimits> = {}): LogFile {
    try {
      const directory = dirname(path);
      Deno.mkdirSync(directory, { recursive: true, mode: 0o700 });
      checkDirectory(directory);
      checkFile(path);
      return new LogFile(path, { bytes: MAX_BYTES, kept: KEPT, ...limits });
    } catch (cause) {
      throw explained(path, cause);
    }
  }

  private constructor(path: string, limits: LogFileLimits) {
    this.path = path;
    this.#limits = limits;
    this.#open();
  }

  /** Appends a line, with its line feed. Throws what the system says, a full disk for instance: the line is then lost, and the file good for the next. */
  write(line: string): void {
    const bytes = encoder.encode(this.#torn ? `\n${line}` : line);
    const full = this.#bytes + bytes.length > this.#limits.bytes;
    if (this.#file === undefined) this.#open();
    else if (full && this.#bytes > 0) this.#rotate();
    for (let written = 0; written < bytes.length;) {
      const count = this.#file!.writeSync(bytes.subarray(written));
      written += count;
      this.#bytes += count;
      this.#torn = written < bytes.length;
    }
  }

  #open(): void {
    // Not by a link that was put there: the directory is private, see above.
    this.#file = Deno.openSync(this.path, {
      append: true,
      create: true,
      mode: 0o600,
    });
    this.#bytes = this.#file.statSync().size;
  }

  #rotate(): void {
    const older = (number: number): string =>
      number === 0 ? this.path : `${this.path}.${number}`;
    for (let number = this.#limits.kept; number > 0; number--) {
      renameIfThere(older(number - 1), older(number));
    }
    this.#file?.close();
    this.#file = undefined;
    this.#torn = false;
    this.#open();
  }

  /** Closes it. Again does nothing. */
  [Symbol.dispose](): void {
    this.#file?.close();
    this.#file = undefined;
  }
}

function checkDirectory(path: string): void {
  const { isDirectory, mode } = Deno.lstatSync(path);
  const bits = (mode ?? 0) & 0o777;
  if (isDirectory && (bits & 0o022) === 0) return;
  const found = isDirectory
    ? `its mode is ${bits.toString(8)}, so other users can write in it`
    : "it is a link";
  throw new BridgeError(
    "not_permitted",
    `Cannot keep the log in ${path}: ${found}; expected a directory of this user alone: chmod 700 '${path}', or choose another with --log-file`,
  );
}

function checkFile(path: string): void {
  try {
    if (Deno.lstatSync(path).isFile) return;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  throw new BridgeError(
    "not_permitted",
    `Cannot keep the log in ${path}: something that is no file is there; look at it, then remove it, or choose another place with --log-file`,
  );
}

function explained(path: string, cause: unknown): BridgeError {
  if (cause instanceof BridgeError) return cause;
  const directory = dirname(path);
  if (cause instanceof Deno.errors.NotCapable) {
    return new BridgeError(
      "not_permitted",
      `Cannot keep the log in ${path}: ${cause.message}. Run Deno with --allow-read=${directory} --allow-write=${directory}`,
      { cause },
    );
  }
  return new BridgeError(
    "native_failure",
    `Cannot keep the log in ${path}: ${
      (cause as Error).message
    }; let this user write there, or choose another place with --log-file`,
    { cause },
  );
}

function renameIfThere(from: string, to: string): void {
  try {
    Deno.renameSync(from, to);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
