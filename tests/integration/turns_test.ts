import { assert, assertEquals } from "@std/assert";
import { Connection } from "../../ffi/connection.ts";
import { Listener } from "../../ffi/listener.ts";
import { Native } from "../../ffi/native.ts";
import { nativeLeavesNothing } from "../helpers/native_leaks.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { soon } from "../helpers/soon.ts";

/** Each message has a buffer of its own, and together they cost less than one turn may. */
const TEXT = "x".repeat(40_000);
/** Longer than one turn may take. */
const HANDLING_MS = 6;

function burn(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end;);
}

/** Sends `count` messages to a new connection, each of which takes {@link HANDLING_MS} to handle. `handled` is called after each with its number. */
async function flood(
  count: number,
  handled: (number: number) => void,
): Promise<void> {
  using native = Native.open();
  using listener = Listener.anonymous(native);
  const all = Promise.withResolvers<void>();
  const accepted = Promise.withResolvers<Connection>();
  let number = 0;
  listener.activate({
    peer: (connection) => {
      connection.activate({
        message(message) {
          message[Symbol.dispose]();
          burn(HANDLING_MS);
          handled(++number);
          if (number === count) all.resolve();
        },
        ended: () => {},
      });
      accepted.resolve(connection);
    },
    ended: () => {},
  });
  using endpoint = listener.endpoint();
  using connection = Connection.toEndpoint(native, endpoint.borrow());
  connection.activate({
    message: (message) => message[Symbol.dispose](),
    ended: () => {},
  });
  for (let n = 0; n < count; n++) connection.send({ text: TEXT });
  await soon(all.promise, "all messages");
  using _ = await soon(accepted.promise, "the peer");
}

Deno.test("messages that take long to handle leave turns of the event loop for others", () =>
  nativeLeavesNothing(async () => {
    const turns: string[] = [];
    await flood(12, (number) => {
      if (number === 1) setTimeout(() => turns.push("another"));
      turns.push("message");
    });
    const at = turns.indexOf("another");
    assert(at > 0 && at < 12, turns.join());
    assertEquals(turns.length, 13);
  }));

permittedTest(
  "messages that take long to handle do not keep the event loop from its descriptors",
  { net: true },
  () =>
    nativeLeavesNothing(async () => {
      using server = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      using there = await Deno.connect({
        hostname: "127.0.0.1",
        port: server.addr.port,
      });
      using here = await server.accept();
      let handled = 0;
      let before: number | undefined;
      const reading = here.read(new Uint8Array(1)).then(() => before = handled);
      await flood(45, (number) => {
        handled = number;
        if (number === 2) there.write(new Uint8Array(1));
      });
      await soon(reading, "the byte");
      // Deno by itself would look after 61 turns.
      assert(before! < 30, `it was read after message ${before} of 45`);
    }),
);
