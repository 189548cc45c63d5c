/**
 * A peer that sends HTTP/2 frames by hand, in any order, and reads or does not.
 */

import { soon } from "./soon.ts";

const PREFACE = new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** Kinds of frames, and flags. */
export const FRAME = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  ping: 6,
  windowUpdate: 8,
  endStream: 1,
  endHeaders: 4,
} as const;

/** The bytes of one frame. */
export function frame(
  kind: number,
  flags: number,
  stream: number,
  payload: Uint8Array = new Uint8Array(),
): Uint8Array {
  const { length } = payload;
  return Uint8Array.of(
    ...[length >> 16, length >> 8 & 255, length & 255, kind, flags],
    ...[stream >>> 24, stream >> 16 & 255, stream >> 8 & 255, stream & 255],
    ...payload,
  );
}

/** The headers of a gRPC call, as literals: no table is used. */
export function requestHeaders(path: string): Uint8Array {
  const text = (value: string): number[] => [
    value.length,
    ...new TextEncoder().encode(value),
  ];
  const headers = {
    ":method": "POST",
    ":scheme": "http",
    ":path": path,
    ":authority": "x",
    "content-type": "application/grpc",
    te: "trailers",
  };
  return Uint8Array.from(
    Object.entries(headers).flatMap((
      [name, value],
    ) => [0, ...text(name), ...text(value)]),
  );
}

/** A frame that was received. */
interface ReceivedFrame {
  readonly kind: number;
  readonly flags: number;
}

/** A connection. It has sent the preface and an empty SETTINGS frame. */
export class Http2Peer implements Disposable {
  readonly #conn: Deno.Conn;
  #closed = false;

  /** Connects to a Unix socket. */
  static async connect(path: string): Promise<Http2Peer> {
    const peer = new Http2Peer(await Deno.connect({ transport: "unix", path }));
    await peer.send(PREFACE, frame(FRAME.settings, 0, 0));
    return peer;
  }

  private constructor(conn: Deno.Conn) {
    this.#conn = conn;
  }

  /** Sends frames. Returns false if the connection has ended. */
  async send(...frames: Uint8Array[]): Promise<boolean> {
    const bytes = Uint8Array.from(frames.flatMap((each) => [...each]));
    try {
      for (let sent = 0; sent < bytes.length;) {
        sent += await soon(this.#conn.write(bytes.subarray(sent)), "a write");
      }
      return true;
    } catch (error) {
      if (this.#closed) throw error;
      return false;
    }
  }

  /** Reads all that comes, and drops it. */
  drain(): void {
    this.collect();
  }

  /** Reads all that comes. Returns a function that returns the whole frames so far. */
  collect(): () => ReceivedFrame[] {
    let bytes = new Uint8Array();
    const frames: ReceivedFrame[] = [];
    const read = async (): Promise<void> => {
      const buffer = new Uint8Array(65_536);
      for (let n; (n = await this.#conn.read(buffer)) !== null;) {
        bytes = Uint8Array.of(...bytes, ...buffer.subarray(0, n));
        for (;;) {
          const [high, middle, low, kind, flags] = bytes;
          const end = 9 + (high! << 16 | middle! << 8 | low!);
          if (bytes.length < 9 || bytes.length < end) break;
          frames.push({ kind: kind!, flags: flags! });
          bytes = bytes.subarray(end);
        }
      }
    };
    read().catch(() => {}); // the connection has ended
    return () => frames;
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#conn.close();
  }
}
