/**
 * The broker's log file. It is rotated at a maximum size, and only a fixed number
 * of older files is kept, so that the log cannot fill the disk.
 *
 * ```text
 * broker.log      the current file
 * broker.log.1    the file before it
 * broker.log.4    the oldest file that is kept
 * ```
 *
 * @module
 */

import { dirname } from "node:path";
import { isPastFileSizeLimit } from "../../ffi/file_size_limit.ts";
import { withPrivateMask } from "../../ffi/private_files.ts";
import { BridgeError } from "../../proto/errors.ts";

/** The maximum size of a file in bytes; a single line may be longer. */
const MAX_BYTES = 4 << 20;
/** The number of older files that are kept. */
const KEPT = 4;

/** The limits of a log file. */
export interface LogFileLimits {
  /** The maximum size of a file in bytes. */
  readonly bytes: number;
  /** The number of older files that are kept. */
  readonly kept: number;
}

const encoder = new TextEncoder();

/** A log file, open for appending. */
export class LogFile implements Disposable {
  /** Its absolute path. */
  readonly path: string;
  readonly #owner: number;
  readonly #limits: LogFileLimits;
  /** `undefined` after a rotation that failed: the next line opens it again. */
  #file: Deno.FsFile | undefined;
  #bytes = 0;
  /** The last line was written only in part, so the next one needs a line feed before it. */
  #torn = false;

  /**
   * Opens or creates the file with mode 0600, and its directory with mode 0700.
   * Needs the permissions to read and to write the directory.
   *
   * Throws BridgeError `not_permitted` without these permissions, if another user
   * owns the directory or the file, or can write in the directory, or if the path
   * is not that of a regular file; `native_failure` if the system refuses.
   *
   * @param path an absolute path
   * @param owner the user id of this process
   * @param limits 4 MiB and four older files by default
   */
  static open(
    path: string,
    owner: number,
    limits: Partial<LogFileLimits> = {},
  ): LogFile {
    try {
      withPrivateMask(() =>
        Deno.mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
      );
      return new LogFile(path, owner, {
        bytes: MAX_BYTES,
        kept: KEPT,
        ...limits,
      });
    } catch (cause) {
      throw explained(path, cause);
    }
  }

  private constructor(path: string, owner: number, limits: LogFileLimits) {
    this.path = path;
    this.#owner = owner;
    this.#limits = limits;
    this.#open();
  }

  /** Appends a line, which ends with a line feed. Throws the system's error, for example for a full disk: the line is lost, and the next one can be written. */
  write(line: string): void {
    const bytes = encoder.encode(this.#torn ? `\n${line}` : line);
    const full = this.#bytes + bytes.length > this.#limits.bytes;
    if (this.#file === undefined) this.#open();
    else if (full && this.#bytes > 0) this.#rotate();
    try {
      this.#append(bytes);
    } catch (error) {
      // The process may write no file as large (`ulimit -f`): then this one is full.
      if (!isPastFileSizeLimit(error) || this.#bytes === 0) throw error;
      this.#rotate();
      this.#append(encoder.encode(line));
    }
  }

  #append(bytes: Uint8Array): void {
    for (let written = 0; written < bytes.length;) {
      const count = this.#file!.writeSync(bytes.subarray(written));
      written += count;
      this.#bytes += count;
      this.#torn = written < bytes.length;
    }
  }

  /** Checked each time: the directory may have changed since the last rotation. */
  #open(): void {
    checkDirectory(dirname(this.path), this.#owner);
    const there = lstatIfThere(this.path);
    if (there) checkFile(this.path, there, this.#owner);
    // A new file is created exclusively, which follows no link. A file that was
    // there is compared with what was checked.
    const file = withPrivateMask(() =>
      Deno.openSync(this.path, { append: true, createNew: !there, mode: 0o600 })
    );
    const { ino, dev, size } = file.statSync();
    if (there && (there.ino !== ino || there.dev !== dev)) {
      file.close();
      throw new BridgeError(
        "not_permitted",
        `Cannot keep the log in ${this.path}: the file was exchanged while it was opened`,
      );
    }
    this.#file = file;
    this.#bytes = size;
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

  /** Closes the file. A second call has no effect. */
  [Symbol.dispose](): void {
    this.#file?.close();
    this.#file = undefined;
  }
}

/** Throws unless only this user, or root, can put files there. */
function checkDirectory(path: string, owner: number): void {
  const { isDirectory, mode, uid } = Deno.lstatSync(path);
  const bits = (mode ?? 0) & 0o777;
  const found = !isDirectory
    ? "it is a link"
    : uid !== owner && uid !== 0
    ? `it belongs to the user ${uid}, and this is the user ${owner}`
    : (bits & 0o022) !== 0
    ? `its mode is ${bits.toString(8)}, so other users can write in it`
    : undefined;
  if (!found) return;
  throw new BridgeError(
    "not_permitted",
    `Cannot keep the log in ${path}: ${found}. Choose a directory that only this user can write in, with --log-file`,
  );
}

function checkFile(path: string, file: Deno.FileInfo, owner: number): void {
  const found = !file.isFile
    ? "it is not a regular file"
    : file.uid !== owner
    ? `it belongs to the user ${file.uid}, and this is the user ${owner}`
    : undefined;
  if (!found) return;
  throw new BridgeError(
    "not_permitted",
    `Cannot keep the log in ${path}: ${found}. Look at it, then remove it, or choose another place with --log-file`,
  );
}

function lstatIfThere(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
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
