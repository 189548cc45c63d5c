import { assert, assertEquals } from "@std/assert";
import { Connection } from "../../ffi/connection.ts";
import { Listener } from "../../ffi/listener.ts";
import { Native } from "../../ffi/native.ts";
import { nativeLeavesNothing } from "../helpers/native_leaks.ts";
import { soon } from "../helpers/soon.ts";

const MESSAGES = 12;
/** Each message has a buffer of its own, and together they cost less than one turn may. */
const TEXT = "x".repeat(40_000);
/** Longer than one turn may take. */
const HANDLING_MS = 6;

function burn(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end;);
}

Deno.test("messages that take long to handle leave turns of the event loop for others", () =>
  nativeLeavesNothing(async () => {
    using native = Native.open();
    using listener = Listener.anonymous(native);
    const turns: string[] = [];
    const all = Promise.withResolvers<void>();
    const accepted = Promise.withResolvers<Connection>();
    listener.activate({
      peer: (connection) => {
        connection.activate({
          message(message) {
            message[Symbol.dispose]();
            if (turns.length === 0) setTimeout(() => turns.push("another"));
            turns.push("message");
            burn(HANDLING_MS);
            const count = turns.filter((turn) => turn === "message").length;
            if (count === MESSAGES) all.resolve();
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
    for (let n = 0; n < MESSAGES; n++) connection.send({ text: TEXT });
    await soon(all.promise, "all messages");
    using _ = await soon(accepted.promise, "the peer");
    const at = turns.indexOf("another");
    assert(at > 0 && at < MESSAGES, turns.join());
    assertEquals(turns.length, MESSAGES + 1);
  }));
