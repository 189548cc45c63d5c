/**
 * A listening Unix socket that only its owner can reach: mode 0600, in a
 * directory of mode 0700, held by a lock beside it.
 *
 * The lock says who owns the path, not the socket file: a kill leaves that file
 * behind, and a bind cannot tell a dead broker's from a living one's.
 *
 * @module
 */

import { dirname } from "node:path";
import { pathBytes } from "../proto/environment.ts";
import { BridgeError } from "../proto/errors.ts";
import { MAX_SOCKET_PATH_BYTES } from "../proto/limits.ts";

const LOCK_ATTEMPTS = 10;

/**
 * A bound socket. Disposing it stops listening, removes the socket and lets go
 * of its path.
 */
export class PrivateSocket implements AsyncDisposable {
  /** Where it is bound. */
  readonly path: string;
  readonly #listener: Deno.UnixListener;
  readonly #lock: DisposableStack;
  #accepting: Promise<unknown> = Promise.resolve();

  /**
   * Binds `path`. Its directory is made if it is not there.
   *
   * Throws BridgeError: `name_in_use` when another process holds the path,
   * `bad_argument` when the path cannot be a socket's, `not_permitted` when
   * others could reach the directory or something else is in the socket's place.
   *
   * ```ts ignore
   * await using socket = await PrivateSocket.bind("/run/user/1000/streamlib/broker.grpc");
   * const connection = await socket.accept();
   * ```
   */
  static async bind(path: string): Promise<PrivateSocket> {
    checkPath(path);
    const directory = await privateDirectory(dirname(path));
    using lock = await takeLock(path);
    await removeStale(path);
    const listener = Deno.listen({ transport: "unix", path });
    const socket = new PrivateSocket(path, listener, lock.move());
    try {
      // Nobody else can have reached it before this: the directory is private.
      await Deno.chmod(path, 0o600);
      await checkOwner(directory, path);
      return socket;
    } catch (error) {
      await socket[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(
    path: string,
    listener: Deno.UnixListener,
    lock: DisposableStack,
  ) {
    this.path = path;
    this.#listener = listener;
    this.#lock = lock;
  }

  /** The next connection, the caller's own. Throws Deno.errors.BadResource once this is disposed. */
  accept(): Promise<Deno.Conn> {
    const accepting = this.#listener.accept();
    this.#accepting = accepting;
    return accepting;
  }

  /** Again does nothing. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#lock.disposed) return;
    using _lock = this.#lock;
    this.#listener.close();
    // Deno removes the file when the last accept is over, whoever has bound the
    // path by then: the lock must be held as long.
    await this.#accepting.catch(() => {});
    removeIfThere(this.path);
  }
}

function checkPath(path: string): void {
  const bytes = pathBytes(path);
  if (!path.startsWith("/") || path.includes("\0")) {
    throw new BridgeError(
      "bad_argument",
      `Cannot listen on ${JSON.stringify(path)}: expected an absolute path`,
    );
  }
  if (bytes > MAX_SOCKET_PATH_BYTES) {
    throw new BridgeError(
      "bad_argument",
      `Cannot listen on ${path}: the path has ${bytes} bytes, the system takes ${MAX_SOCKET_PATH_BYTES}; choose a shorter one`,
    );
  }
}

async function privateDirectory(path: string): Promise<string> {
  await Deno.mkdir(path, { recursive: true, mode: 0o700 });
  const { isDirectory, mode } = await Deno.lstat(path);
  if (!isDirectory) {
    throw new BridgeError(
      "not_permitted",
      `Cannot listen in ${path}: it is a link or a file, expected a directory`,
    );
  }
  const bits = (mode ?? 0) & 0o777;
  if ((bits & 0o077) !== 0) {
    throw new BridgeError(
      "not_permitted",
      `Cannot listen in ${path}: its mode is ${
        bits.toString(8)
      }, so other users can reach it; expected 700: chmod 700 '${path}'`,
    );
  }
  return path;
}

/**
 * Takes the lock of a socket path, for as long as the process lives or until
 * it is disposed. The file is removed before the lock is let go, so a lock on
 * a file that is not in its place any more is worth nothing: try again.
 */
async function takeLock(socket: string): Promise<DisposableStack> {
  const path = `${socket}.lock`;
  for (let attempt = 0; attempt < LOCK_ATTEMPTS; attempt++) {
    const there = await statIfThere(path);
    if (there !== undefined && !there.isFile) throw foreign(path);
    const file = await Deno.open(path, {
      read: true,
      write: true,
      create: true,
      mode: 0o600,
    });
    if (!await file.tryLock(true)) {
      file.close();
      throw new BridgeError(
        "name_in_use",
        `Cannot listen on unix:${socket}: another broker does, and holds ${path}; use that one, stop it, or choose another address`,
      );
    }
    const [locked, inPlace] = [await file.stat(), await statIfThere(path)];
    if (inPlace?.ino === locked.ino && inPlace.dev === locked.dev) {
      const lock = new DisposableStack();
      lock.use(file);
      lock.defer(() => removeIfThere(path)); // before it is let go
      return lock;
    }
    file.close();
  }
  throw new BridgeError(
    "name_in_use",
    `Cannot listen on unix:${socket}: ${path} was replaced ${LOCK_ATTEMPTS} times while it was being locked; is something starting and stopping brokers?`,
  );
}

/** Removes the socket that a killed broker left. Call it with the lock held. */
async function removeStale(path: string): Promise<void> {
  const there = await statIfThere(path);
  if (there === undefined) return;
  if (there.isSocket !== true) throw foreign(path);
  await Deno.remove(path);
}

/** The socket was made just now, so its owner is who this process acts as. */
async function checkOwner(directory: string, path: string): Promise<void> {
  const [{ uid: owner }, { uid: self }] = await Promise.all([
    Deno.lstat(directory),
    Deno.lstat(path),
  ]);
  if (owner === self) return;
  throw new BridgeError(
    "not_permitted",
    `Cannot listen in ${directory}: it belongs to user ${owner}, this process runs as ${self}; choose a directory of your own`,
  );
}

function foreign(path: string): BridgeError {
  return new BridgeError(
    "not_permitted",
    `Cannot listen: something that no broker made is at ${path}; look at it, then remove it`,
  );
}

async function statIfThere(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.lstat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
