/**
 * Attacks a broker until it is killed. Its arguments are the attack, the service and
 * the path of the gRPC socket. Says "ready" when it has begun.
 */

import { Connection } from "../../../ffi/connection.ts";
import { Native } from "../../../ffi/native.ts";
import { FRAME, frame, Http2Peer } from "../../helpers/http2_peer.ts";

const [attack = "", service = "", path = ""] = Deno.args;
const native = Native.open();
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

function connect(): Connection {
  const connection = Connection.toService(native, service);
  connection.activate({
    message: (message) => message[Symbol.dispose](),
    ended: () => {},
  });
  return connection;
}

function ready(): void {
  Deno.stdout.writeSync(new TextEncoder().encode("ready\n"));
}

const attacks: Readonly<Record<string, () => Promise<void>>> = {
  /** 100 peers, each with a message that is large once it is decoded. */
  "big messages": async () => {
    const list = Array.from({ length: 50_000 }, () => ({}));
    const peers = Array.from({ length: 100 }, connect);
    for (const peer of peers) peer.send({ type: "get_version", list });
    ready();
    for (;; await turn()) {
      for (const peer of peers) peer.send({ type: "get_version", list });
    }
  },
  /** Requests whose replies this process is too busy to read. */
  "unread replies": async () => {
    const peer = connect();
    ready();
    for (;; await turn()) {
      for (let i = 0; i < 1_000; i++) {
        peer.request({ type: "get_version" }, { timeoutMs: 1e6 }).then(
          (reply) => reply[Symbol.dispose](),
          () => {},
        );
      }
    }
  },
  "PING flood": async () => {
    const flood = Array.from(
      { length: 2_000 },
      () => frame(FRAME.ping, 0, 0, new Uint8Array(8)),
    );
    ready();
    for (;; await turn()) {
      try {
        using peer = await Http2Peer.connect(path);
        while (await peer.send(...flood));
      } catch {
        // Refused: again.
      }
    }
  },
  "quota flood": async () => {
    const peers = Array.from({ length: 4 }, connect);
    ready();
    for (;;) {
      await Promise.all(peers.map(async (peer) => {
        const body = {
          type: "allocate",
          runtime_id: "flood",
          processor_id: "p",
        };
        using _ = await peer.request(body, { timeoutMs: 1e6 });
      }));
    }
  },
};
await attacks[attack]!();
