import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { BridgeError, ReactiveHost, readInto } from "../../host/mod.ts";
import { PIXEL_FORMATS, type PixelFormat } from "../../proto/schema/surface.ts";
import { packedBytes, planeSizes } from "../../proto/schema/surface_layout.ts";
import type { SurfaceSpec } from "../../channel/memory/frame_template.ts";
import { PICTURES } from "../fixtures/picture_port.ts";
import { testClient } from "../helpers/client_module.ts";
import { statusOf } from "../helpers/child.ts";
import { isolatedHome } from "../helpers/home.ts";
import { leavesNothing } from "../helpers/leaks.ts";
import { noise } from "../helpers/memory_surface.ts";
import { HOST_NEEDS, permittedTest } from "../helpers/permitted.ts";
import { soon } from "../helpers/soon.ts";

const FORMATS = Object.keys(PIXEL_FORMATS) as PixelFormat[];
const SIZES = [[1, 1], [2, 2], [3, 1], [1, 3], [33, 17], [854, 480]] as const;

type Ports = { pictures: typeof PICTURES };

function launch(): ReactiveHost<Ports, Ports> {
  return ReactiveHost.launch<Ports, Ports>({
    ...testClient("inverts_planes.ts"),
    inputs: { pictures: PICTURES },
    outputs: { pictures: PICTURES },
    output: () => {},
  });
}

/** Sends a picture, and checks every byte of the one that comes back inverted. */
async function assertInverted(
  host: ReactiveHost<Ports, Ports>,
  picture: SurfaceSpec,
  packed: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const { width, height, pixel_format } = picture;
  const name = `${width} x ${height} ${pixel_format}`;
  const { pictures } = host.input;
  await soon(pictures.ready, `room for ${name}`);
  using frame = pictures.acquire({ picture, sum: 0 });
  frame.picture.pixels.fill(0x5a); // what is in the padding does not matter
  frame.picture.copyFrom(packed);
  assert(pictures.send(frame));
  const { value } = await soon(
    host.output.pictures[Symbol.asyncIterator]().next(),
    name,
  );
  using out = value!;
  assertEquals(
    [out.picture.width, out.picture.height, out.picture.pixel_format],
    [width, height, pixel_format],
  );
  assertEquals(
    out.picture.planes.map(({ width, height }) => [width, height]),
    planeSizes(picture).map(({ width, height }) => [width, height]),
  );
  assertEquals(out.sum, packed.reduce((sum, byte) => sum + byte, 0), name);
  const back = out.picture.copyTo();
  assertEquals(back.length, packed.length);
  const wrong = back.findIndex((byte, i) => byte !== 255 - packed[i]!);
  assertEquals(wrong, -1, `${name}: byte ${wrong}`);
}

permittedTest(
  "every format crosses to a client and back exact to the byte, in odd sizes too, and nothing is left",
  HOST_NEEDS,
  async () => {
    using home = isolatedHome();
    await leavesNothing(home.runDirectory, async () => {
      await using host = launch();
      await soon(host.ready, "ready");
      for (const [i, pixel_format] of FORMATS.entries()) {
        for (const [width, height] of SIZES) {
          const picture = { width, height, pixel_format };
          await assertInverted(host, picture, noise(packedBytes(picture), i));
        }
      }
      const { misfits, dropped } = host.stats;
      assertEquals([misfits, dropped], [0, 0]);
    });
  },
);

permittedTest(
  "a picture of 8192 x 8192 crosses through a pool of one",
  { ...HOST_NEEDS, exhaustive: true },
  async () => {
    using _ = isolatedHome();
    await using host = launch();
    await soon(host.ready, "ready");
    const picture = {
      width: 8192,
      height: 8192,
      pixel_format: "nv12",
    } as const;
    const packed = noise(packedBytes(picture));
    for (let twice = 0; twice < 2; twice++) {
      await assertInverted(host, picture, packed);
    }
  },
);

permittedTest(
  "the handle of a surface in the frame is the memory itself",
  { ...HOST_NEEDS, linux: "memory files" },
  async () => {
    using _ = isolatedHome();
    await using host = launch();
    await soon(host.ready, "ready");
    await soon(host.input.pictures.ready, "room");
    const picture = { width: 3, height: 3, pixel_format: "nv12" } as const;
    using frame = host.input.pictures.acquire({ picture, sum: 0 });
    frame.picture.copyFrom(noise(17));
    const { handle, pixels } = frame.picture;
    assert(typeof handle === "number" && handle > 2);
    assertEquals(frame.picture.handle, handle); // the same at each read
    const file = await Deno.readFile(`/proc/self/fd/${handle}`);
    assertEquals(file.subarray(0, pixels.length), pixels);
    const kept = frame.picture;
    frame[Symbol.dispose]();
    assertThrows(() => kept.handle, BridgeError, "it was disposed");
  },
);

permittedTest(
  "a frame is filled from the output of a process, picture by picture, and only while it is on lease",
  HOST_NEEDS,
  async () => {
    using _ = isolatedHome();
    await using host = launch();
    await soon(host.ready, "ready");
    const picture = {
      width: 1000,
      height: 150,
      pixel_format: "gray8",
    } as const;
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        "eval",
        "const b = Uint8Array.from({ length: 300000 }, (_, i) => i * 31);" +
        "for (let at = 0; at < b.length;) at += await Deno.stdout.write(b.subarray(at));",
      ],
      stdout: "piped",
    }).spawn();
    const results = host.output.pictures[Symbol.asyncIterator]();
    for (let i = 0; i < 2; i++) {
      await soon(host.input.pictures.ready, "room");
      using frame = host.input.pictures.acquire({ picture, sum: 0 });
      assert(await soon(readInto(frame.picture, child.stdout), "a picture"));
      assert(host.input.pictures.send(frame));
      const { value } = await soon(results.next(), "the result");
      using out = value!;
      const wanted = Uint8Array.from(
        { length: 150_000 },
        (_, j) => 255 - ((j + 150_000 * i) * 31 & 0xff),
      );
      assertEquals(out.picture.copyTo(), wanted);
    }
    await soon(host.input.pictures.ready, "room");
    using last = host.input.pictures.acquire({ picture, sum: 0 });
    assertEquals(
      await soon(readInto(last.picture, child.stdout), "end"),
      false,
    );
    await statusOf(child, "the child's end");
    const surface = last.picture;
    const error = await assertRejects(
      () =>
        readInto(surface, {
          read(into) {
            last[Symbol.dispose]();
            return Promise.resolve(into.length);
          },
        }),
      BridgeError,
      "it was disposed",
    );
    assertEquals(error.code, "closed");
  },
);
