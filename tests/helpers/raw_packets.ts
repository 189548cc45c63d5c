/**
 * A hostile end of a connection of c/linux: finds the socket of a connection of this
 * process and writes packets to it that c/linux would not send, or not as many. Linux
 * only; the format is in c/linux/wire.h.
 */

import { CHANNEL_KEY, CTRL_TYPE, MSG_TYPE } from "../../proto/wire/keys.ts";

/** The kinds of packets that a test sends. */
export const PACKET = { message: 1, request: 2, goodbye: 6 } as const;

/** A value of a message. */
type RawValue =
  | string
  | bigint
  | Uint8Array
  | RawShmem
  | readonly RawValue[]
  | { readonly [key: string]: RawValue };

const TAG = {
  uint64: 4,
  data: 7,
  string: 8,
  array: 10,
  dictionary: 11,
  shmem: 14,
};
const SCM_RIGHTS = 1;
const SOL_SOCKET = 1, SO_TYPE = 3, SO_PEERCRED = 17, SOCK_SEQPACKET = 5;
const POLLOUT = 4, POLLHUP = 16;
const MSG_DONTWAIT = 0x40, MSG_NOSIGNAL = 0x4000;
const encoder = new TextEncoder();

const u32 = (value: number): Uint8Array => {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
};
const u64 = (value: bigint): Uint8Array => {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  return bytes;
};

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function encode(value: RawValue): Uint8Array {
  const tagged = (tag: number, ...content: Uint8Array[]): Uint8Array =>
    joined([Uint8Array.of(tag), ...content]);
  if (typeof value === "bigint") return tagged(TAG.uint64, u64(value));
  if (typeof value === "string") {
    const text = encoder.encode(value);
    return tagged(TAG.string, u32(text.length), text);
  }
  if (value instanceof Uint8Array) {
    return tagged(TAG.data, u32(value.length), value);
  }
  if (value instanceof RawShmem) return tagged(TAG.shmem, u64(value.bytes));
  if (Array.isArray(value)) {
    return tagged(TAG.array, u32(value.length), ...value.map(encode));
  }
  const entries = Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1);
  return tagged(
    TAG.dictionary,
    u32(entries.length),
    ...entries.flatMap(([key, content]) => {
      const name = encoder.encode(key);
      return [u32(name.length), name, encode(content)];
    }),
  );
}

/** Shared memory of this length; its descriptor goes with the packet. */
export class RawShmem {
  constructor(readonly bytes: bigint) {}
}

/** Makes a packet, of at most 64 KiB, with so many descriptors. */
export function rawPacket(
  kind: number,
  id: bigint,
  body: Uint8Array | { readonly [key: string]: RawValue },
  descriptors = 0,
): Uint8Array<ArrayBuffer> {
  const bytes = body instanceof Uint8Array ? body : encode(body);
  return joined([
    encoder.encode("XPCL"),
    Uint8Array.of(1, kind, 0, 0),
    u32(bytes.length),
    u32(descriptors),
    u64(id),
    bytes,
  ]);
}

/** Makes a packet that confirms the first 1,024 frames, whether they were read or not. */
export function confirmsAll(): Uint8Array<ArrayBuffer> {
  const ids = BigUint64Array.from({ length: 1_024 }, (_, at) => BigInt(at));
  return rawPacket(PACKET.message, 0n, {
    [CHANNEL_KEY.msgType]: MSG_TYPE.control,
    [CHANNEL_KEY.ctrlType]: CTRL_TYPE.release,
    [CHANNEL_KEY.frames]: new Uint8Array(ids.buffer),
  });
}

/** The socket of a connection of this process, whose other end another process has. */
export class RawSocket implements Disposable {
  readonly #libc = Deno.dlopen("libc.so.6", {
    getsockopt: {
      parameters: ["i32", "i32", "i32", "buffer", "buffer"],
      result: "i32",
    },
    send: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" },
    sendmsg: { parameters: ["i32", "buffer", "i32"], result: "isize" },
    poll: { parameters: ["buffer", "u64", "i32"], result: "i32" },
    memfd_create: { parameters: ["buffer", "u32"], result: "i32" },
    ftruncate: { parameters: ["i32", "i64"], result: "i32" },
    close: { parameters: ["i32"], result: "i32" },
  });
  readonly #socket: number;

  /**
   * @param maker the process that has made the connection: the client of an
   * endpoint. This process has one such socket.
   */
  constructor(maker: number) {
    const sockets = [...Deno.readDirSync("/proc/self/fd")]
      .map(({ name }) => Number(name))
      .filter((socket) =>
        this.#option(socket, SO_TYPE) === SOCK_SEQPACKET &&
        this.#option(socket, SO_PEERCRED) === maker
      );
    const [socket] = sockets;
    if (socket === undefined || sockets.length > 1) {
      this.#libc.close();
      throw new Error(`${sockets.length} sockets made by ${maker}, not 1`);
    }
    this.#socket = socket;
  }

  /** The first number of an option; `undefined` if this is no socket. */
  #option(socket: number, option: number): number | undefined {
    const value = new Int32Array(3), length = new Uint32Array([12]);
    const result = this.#libc.symbols.getsockopt(
      socket,
      SOL_SOCKET,
      option,
      new Uint8Array(value.buffer),
      new Uint8Array(length.buffer),
    );
    return result === 0 ? value[0] : undefined;
  }

  /** Sends a packet; waits for room without a turn of the event loop. Returns whether the other end is still there. */
  send(packet: Uint8Array<ArrayBuffer>): boolean {
    const { send, poll } = this.#libc.symbols;
    const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    while (send(this.#socket, packet, BigInt(packet.length), flags) < 0n) {
      const asked = new DataView(new ArrayBuffer(8));
      asked.setInt32(0, this.#socket, true);
      asked.setInt16(4, POLLOUT, true);
      poll(new Uint8Array(asked.buffer), 1n, 100);
      if (asked.getInt16(6, true) & POLLHUP) return false;
    }
    return true;
  }

  /** Sends a packet with memory that can shrink while it is mapped: it has no seals. */
  sendShrinkable(packet: Uint8Array<ArrayBuffer>, bytes: number): void {
    const { memfd_create, ftruncate, sendmsg, close } = this.#libc.symbols;
    const memory = memfd_create(encoder.encode("shrinks\0"), 0);
    ftruncate(memory, BigInt(bytes));
    const address = (of: BufferSource): bigint =>
      Deno.UnsafePointer.value(Deno.UnsafePointer.of(of));
    // struct cmsghdr: its length, its level and type, and a descriptor.
    const rights = new BigUint64Array([20n, 0n, BigInt(memory)]);
    new Uint32Array(rights.buffer).set([SOL_SOCKET, SCM_RIGHTS], 2);
    const vector = new BigUint64Array([address(packet), BigInt(packet.length)]);
    const header = new BigUint64Array([
      ...[0n, 0n], // no address
      ...[address(vector), 1n],
      ...[address(rights), BigInt(rights.byteLength)],
      0n,
    ]);
    sendmsg(this.#socket, new Uint8Array(header.buffer), MSG_NOSIGNAL);
    close(memory);
  }

  [Symbol.dispose](): void {
    this.#libc.close();
  }
}
