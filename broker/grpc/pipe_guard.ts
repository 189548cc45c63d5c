/**
 * A workaround for a bug of Deno 2.8.0 to 2.9.5. Once `node:net` has connected to
 * the path of a Unix socket, two fields of the handle own one descriptor, and each
 * closes it. Between the two calls another thread may be given the same number: one
 * of the shim that receives a surface, or one of Deno that opens a file. The second
 * call then closes that. See docs/decisions/089.
 *
 * With the guard, each of the two fields owns a descriptor of its own.
 *
 * @module
 */

import type { ChannelCredentials } from "@grpc/grpc-js";

/** What is used of the handle of a `node:net` socket. */
interface PipeHandle {
  /** Duplicates the descriptor, and returns the new one. */
  fdForIpc(): number;
  /** Takes a descriptor: the field that did not make the connection owns it from now on. */
  open(descriptor: number): number;
}

/** Whether this version of Deno has the bug. */
export function hasPipeFault(version: string): boolean {
  const [major, minor = 0, patch = 0] = version.split(".").map(Number);
  return major === 2 && (minor === 8 || minor === 9 && patch < 6);
}

/**
 * Guards every connection that is made with `credentials`, if this version of Deno
 * has the bug. Only for the addresses of Unix sockets: a TCP socket is closed once.
 *
 * @param version the running version of Deno
 * @returns `credentials`
 */
export function guardPipes(
  credentials: ChannelCredentials,
  version: string = Deno.version.deno,
): ChannelCredentials {
  if (!hasPipeFault(version)) return credentials;
  const create = credentials._createSecureConnector.bind(credentials);
  credentials._createSecureConnector = (...target) => {
    const connector = create(...target);
    const connect = connector.connect.bind(connector);
    connector.connect = (socket) => {
      const { _handle: handle } = socket as unknown as {
        _handle: PipeHandle | null;
      };
      handle?.open(handle.fdForIpc());
      return connect(socket);
    };
    return connector;
  };
  return credentials;
}
