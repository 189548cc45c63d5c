/**
 * A sending and a receiving channel over a real connection, both in this
 * process: every message goes through the kernel.
 */

import { Channel } from "../../ffi/channel/channel.ts";
import { Connection, Listener } from "../../ffi/connection.ts";
import { Native } from "../../ffi/native.ts";
import type { NoPorts } from "../../proto/connection_schema.ts";
import type { PortMap, PortsOf } from "../../proto/port.ts";
import { nativeLeavesNothing } from "./native_leaks.ts";
import { soon } from "./soon.ts";

/** Two channels, and the sender's end of their connection: whatever a hostile peer could send. */
export interface ChannelPair<P extends PortMap> {
  readonly native: Native;
  readonly sender: Channel<P, NoPorts>;
  readonly receiver: Channel<NoPorts, P>;
  readonly raw: Connection;
  readonly problems: string[];
  /** Resolves when both have handled all that was sent before. */
  settle(): Promise<void>;
}

const TURN = { msg_type: "control", ctrl_type: "start" };
const CALL = { timeoutMs: 5_000 };

async function makePair<P extends PortMap>(
  stack: DisposableStack,
  native: Native,
  ports: PortsOf<P>,
): Promise<ChannelPair<P>> {
  const listener = stack.use(Listener.anonymous(native));
  const accepted = Promise.withResolvers<Connection>();
  listener.activate({
    peer: (connection) => accepted.resolve(stack.use(connection)),
    ended: () => {},
  });
  using endpoint = listener.endpoint();
  const raw = stack.use(Connection.toEndpoint(native, endpoint.borrow()));
  const problems: string[] = [];
  const events = {
    control: () => {},
    arrived: () => {},
    problem: (text: string) => void problems.push(text),
  };
  const sender = stack.use(new Channel<P, NoPorts>(native, ports, {}, events));
  raw.activate({ message: (m) => sender.receive(m), ended: () => {} });
  raw.send({ msg_type: "control", ctrl_type: "hello" });
  const connection = await accepted.promise;
  const receiver = stack.use(
    new Channel<NoPorts, P>(native, {}, ports, events),
  );
  connection.activate({ message: (m) => receiver.receive(m), ended: () => {} });
  sender.attach(raw);
  receiver.attach(connection);
  sender.open();
  receiver.open();
  const settle = async (): Promise<void> => {
    using _ = await raw.request(TURN, CALL);
    using __ = await connection.request(TURN, CALL);
  };
  return { native, sender, receiver, raw, problems, settle };
}

/** Registers a test that has a pair of channels, and leaves nothing. */
export function channelPairTest<P extends PortMap>(
  name: string,
  ports: PortsOf<P>,
  body: (pair: ChannelPair<P>) => Promise<void>,
): void {
  Deno.test(name, () =>
    nativeLeavesNothing(async () => {
      using native = Native.open();
      using stack = new DisposableStack();
      const pair = await soon(
        makePair<P>(stack, native, ports),
        "the connection",
      );
      await soon(body(pair), name);
    }));
}
