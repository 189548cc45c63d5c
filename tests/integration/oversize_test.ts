import { assertEquals, assertStringIncludes } from "@std/assert";
import { Channel } from "../../channel/channel.ts";
import { Listener } from "../../ffi/listener.ts";
import { Native } from "../../ffi/native.ts";
import { connectionSchema } from "../../proto/schema/connection_schema.ts";
import * as types from "../../proto/schema/field_type.ts";
import { port } from "../../proto/schema/port.ts";
import { schema } from "../../proto/schema/schema.ts";
import { run } from "../helpers/child.ts";
import { isolatedHome } from "../helpers/home.ts";
import { nativeLeavesNothing } from "../helpers/native_leaks.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { RawPeer } from "../helpers/raw_peer.ts";
import { soon, until } from "../helpers/soon.ts";

const NEEDS = {
  read: true,
  write: true,
  env: true,
  linux: "memory without memory behind it",
} as const;

const Scan = schema({
  name: "Scan",
  version: { major: 1, minor: 0, patch: 0 },
  fields: {
    image: types.Optional(types.Texture("any")),
    depth: types.Optional(types.Buffer(types.Float32)),
  },
});
const { inputs } = connectionSchema({ inputs: { scans: port(Scan) } });
const SERVICE = "com.example.oversize";

permittedTest(
  "received memory over 1 GiB is counted with its reason, and what names it is given back",
  NEEDS,
  async () => {
    using _ = isolatedHome();
    await nativeLeavesNothing(async () => {
      using native = Native.open();
      const problems: string[] = [];
      using channel = new Channel(native, {}, inputs, {
        control: () => {},
        arrived: () => {},
        portEnded: () => {},
        problem: (text) => void problems.push(text),
        failed: () => {},
      });
      using held = new DisposableStack();
      using listener = Listener.ofService(native, SERVICE);
      listener.activate({
        ended: () => {},
        peer: (connection) => {
          held.use(connection);
          connection.activate({
            message: (message) => channel.receive(message),
            ended: () => {},
          });
          channel.attach(connection);
          channel.open();
        },
      });
      using peer = new RawPeer(SERVICE);
      const offer = (surface_id: bigint, surface: Deno.PointerObject): void =>
        peer.send({
          msg_type: "control",
          ctrl_type: "surface_offer",
          surface_id,
          surface,
        });
      const name = (field: string, surface_id: bigint): void =>
        peer.send({
          msg_type: "frame",
          frame_id: surface_id,
          port_name: "scans",
          fields: { [field]: { surface_id, generation: 1n, length: 1n } },
        });
      const rows = 1 + 2 ** 30 / (4096 * 4);
      for (
        const [id, height] of [rows, 2 ** 31 / (4096 * 4), 2 ** 18].entries()
      ) {
        offer(BigInt(id + 1), peer.surface(height));
        name("image", BigInt(id + 1));
      }
      offer(5n, peer.buffer(2 ** 31));
      name("depth", 5n);
      await until(
        "four offers and four frames",
        () => channel.stats.misfits === 8,
      );
      assertStringIncludes(problems[0]!, "at most 1073741824 bytes");
      assertStringIncludes(problems[1]!, "surface 1, which was refused: ");
      assertStringIncludes(problems.at(-1)!, "at most 1073741824");
      offer(6n, peer.surface(1));
      name("image", 6n);
      using frame = await soon(channel.receivers.scans.next(), "a frame");
      assertEquals(frame?.image?.width, 4096);
    });
  },
);

permittedTest(
  "memory for which no addresses are left is refused, by the sender and by the receiver",
  { ...NEEDS, run: true },
  async () => {
    const { code, stdout, stderr } = await run(Deno.execPath(), {
      args: [
        "run",
        "--quiet",
        "--allow-all",
        "--no-check",
        new URL("../fixtures/address_limit.ts", import.meta.url).href,
      ],
    });
    const why =
      "Cannot map a surface of 536870912 bytes: this process is out of memory: its address " +
      "space is limited to N bytes (RLIMIT_AS); raise it with `ulimit -v`";
    const said = stdout.replace(
      /\d+ bytes \(RLIMIT_AS\)/g,
      "N bytes (RLIMIT_AS)",
    );
    assertEquals([code, ...said.trim().split("\n")], [
      0,
      "sent: true",
      "received: 0",
      "misfits: 1",
      "a frame on port 'pictures' does not fit: Picture.image: " +
      `expected a surface of gray8, got ${why}`,
      `BridgeError: ${why}`,
      "sent: true",
      "received: 1",
    ], stderr);
  },
);
