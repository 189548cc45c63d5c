import { assert, assertEquals } from "@std/assert";
import { Native } from "../../ffi/native.ts";
import { supervisorOptions } from "../../host/options.ts";
import { Supervisor } from "../../host/supervisor.ts";
import { connectionSchema } from "../../proto/schema/connection_schema.ts";
import { hasPython } from "../../tools/install/python.ts";
import { nativeLeavesNothing } from "../helpers/native_leaks.ts";
import { prepare } from "../helpers/preparation.ts";
import { soon } from "../helpers/soon.ts";
import { checkVideo, VIDEO } from "./old_peers/frames.ts";
import { launched, sendVideo } from "./old_stage.ts";
import { NEW, program } from "./old_version.ts";
import { foreignPython } from "./toolchain.ts";
import {
  foreignTest,
  FRAMES,
  type Program,
  type Result,
  startOurClient,
} from "./broker_and_peers.ts";

/** The peer in C, which has not the feature `moves`, and frames that are moved to it and from it. */

if (hasPython()) prepare("a Python with gRPC", foreignPython);

foreignTest(
  "a new host moves frames of a new client to the client in C, which gets each surface by an ordinary offer",
  (world) =>
    nativeLeavesNothing(async () => {
      await using programs = new AsyncDisposableStack();
      await using first = await launched(
        world.service,
        NEW,
        "passes_video.ts",
        VIDEO,
        VIDEO,
      );
      const started = Promise.withResolvers<Program>();
      const host = new Supervisor(Native.open(), {
        ...supervisorOptions({
          module: program(NEW, "passes_video.ts"), // of which the C program takes the place
          inputs: VIDEO,
          outputs: VIDEO,
          broker: world.service,
        }, "reactive"),
        spawn: (env) => {
          const peer = world.control("client", ["--ack", "xpc"], env);
          programs.use(peer);
          started.resolve(peer);
          return peer.process;
        },
      });
      await using _ = {
        [Symbol.asyncDispose]: () => soon(host.close(), "the host's end"),
      };
      await soon(host.ready, "ready");
      const peer = await soon(started.promise, "the client in C");
      const numbers = [6, 7, 8, 9, 10, 11]; // in rgba8, the peer's only format
      for (const number of numbers) {
        await sendVideo(first.host, number);
        const { video } = first.host.channel.receivers;
        const moved = (await soon(video.next(), "the picture"))!;
        assert(host.channel.senders.video.send(moved));
        using inverted = await soon(
          host.channel.receivers.video.next(),
          "the inverted picture",
        );
        checkVideo(inverted!, number, "client");
      }
      assertEquals(host.channel.stats.copied_bytes, 0);
      await soon(host.close(), "close");
      assertEquals(await soon(host.ended, "the host's end"), undefined);
      await peer.line("its look at the broker");
      const result = JSON.parse(await peer.line("the result")) as Result;
      const { client } = result;
      assertEquals(
        [client.ended, client.received, client.sent, client.wrong],
        ["teardown", numbers.length, numbers.length, 0],
      );
      assert(client.offers >= 1 && client.offers <= 3, `${client.offers}`);
    }),
);

foreignTest(
  "a new client passes the surfaces of a host in C back to it, which gets them by ordinary offers and has them free again",
  async (world) => {
    await using host = world.control("host", ["--ack", "xpc"]);
    const schema = connectionSchema({ inputs: VIDEO, outputs: VIDEO });
    await using client = await startOurClient(
      world,
      host,
      schema,
      program(NEW, "passes_video.ts"),
    );
    const result = JSON.parse(await host.line("the result")) as Result;
    const { ended, sent, received, released, wrong, refused, offers } =
      result.host;
    assertEquals([ended, sent, received, released, refused], [
      "done",
      FRAMES,
      FRAMES,
      FRAMES,
      0,
    ]);
    assertEquals(wrong, FRAMES); // it looks for inverted pixels
    assert(offers >= 1 && offers <= 4, `${offers}`);
    assertEquals((await soon(client.process.exit, "the client's end")).code, 0);
  },
);
