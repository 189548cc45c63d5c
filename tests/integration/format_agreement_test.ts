import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  BridgeError,
  type PixelFormat,
  type Port,
  port,
  ReactiveHost,
  VideoFrame,
} from "../../host/mod.ts";
import { pongMessage } from "../../proto/states/handshake_messages.ts";
import { testClient } from "../helpers/client_module.ts";
import { isolatedHome } from "../helpers/home.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { playedTest, STARTED } from "../helpers/played_client.ts";
import { soon } from "../helpers/soon.ts";

const SERVING = {
  run: true,
  read: true,
  write: true,
  env: true,
  service: true,
} as const;
type List = readonly PixelFormat[] | null;
type Video = Port<typeof VideoFrame>;
/** The lists of one port: of its input in host and module, and of its output in both. */
interface Lists {
  readonly hostIn: List;
  readonly moduleIn: List;
  readonly hostOut: List;
  readonly moduleOut: List;
}

const videoPort = (formats: List): Video =>
  formats ? port(VideoFrame, { formats }) as Video : port(VideoFrame);

/** A host and a module whose ports have these lists. */
function launch(
  ports: Readonly<Record<string, Lists>>,
): ReactiveHost<Record<string, Video>, Record<string, Video>> {
  const lists = (of: keyof Lists): Record<string, List> =>
    Object.fromEntries(
      Object.entries(ports).map(([name, lists]) => [name, lists[of]]),
    );
  const hosts = (of: keyof Lists): Record<string, Video> =>
    Object.fromEntries(
      Object.entries(lists(of)).map(([name, list]) => [name, videoPort(list)]),
    );
  return ReactiveHost.launch({
    ...testClient("listed_formats.ts"),
    inputs: hosts("hostIn"),
    outputs: hosts("hostOut"),
    env: {
      PORTS: JSON.stringify({
        inputs: lists("moduleIn"),
        outputs: lists("moduleOut"),
      }),
    },
    output: () => {},
  });
}

const YUV: List = ["nv12", "i420", "rgba8"];
const RGB: List = ["rgba8", "nv12"];
const ONE: List = ["i420"];

/** Producer, consumer, and what they agree on. */
const AGREED: readonly (readonly [List, List, PixelFormat | undefined])[] = [
  [null, null, undefined],
  [null, RGB, "rgba8"],
  [YUV, null, "nv12"],
  [YUV, RGB, "rgba8"],
  [RGB, YUV, "nv12"],
  [YUV, ONE, "i420"],
  [ONE, YUV, "i420"],
  [ONE, null, "i420"],
];

permittedTest(
  "formats: both sides use the first one of the consumer's list that the producer has, in both directions",
  SERVING,
  async () => {
    using _ = isolatedHome();
    const ports: Record<string, Lists> = {};
    for (const [i, [producer, consumer]] of AGREED.entries()) {
      ports[`p${i}`] = {
        hostIn: producer,
        moduleIn: consumer,
        moduleOut: producer,
        hostOut: consumer,
      };
    }
    await using host = launch(ports);
    await soon(host.ready, "ready");
    for (const [i, [, , format]] of AGREED.entries()) {
      const name = `p${i}`;
      const [input, output] = [host.input[name]!, host.output[name]!];
      assertEquals([input.pixel_format, output.pixel_format], [format, format]);
      const size = { width: 6, height: 4 };
      {
        using frame = input.acquire({
          ...size,
          ...(!format && { pixel_format: "gray16" }),
          frame_number: BigInt(i),
        });
        assertEquals(frame.pixel_buffer.pixel_format, format ?? "gray16");
        assert(input.send(frame));
      }
      using back = (await soon(output.next(), `the frame on ${name}`))!;
      assertEquals(back.pixel_format, format ?? "gray16");
      assertEquals(back.pixel_buffer.pixel_format, format ?? "gray16");
      assertEquals(back.frame_number, BigInt(i));
      if (!format) continue;
      const other = format === "rgba8" ? "bgra8" : "rgba8";
      using wrong = input.acquire({ ...size, pixel_format: other });
      const error = assertThrows(() => input.send(wrong), BridgeError);
      assertEquals(error.code, "schema_mismatch");
      assertStringIncludes(
        error.message,
        `VideoFrame.pixel_buffer: expected a surface of ${format}, got a surface of ${other}`,
      );
    }
  },
);

permittedTest(
  "formats: without one in both lists the client is refused, each port with both lists",
  SERVING,
  async () => {
    using _ = isolatedHome();
    await using host = launch({
      good: { hostIn: YUV, moduleIn: RGB, hostOut: YUV, moduleOut: RGB },
      bad: {
        hostIn: ["nv12", "i420"],
        moduleIn: ["gray8"],
        hostOut: ["p010"],
        moduleOut: RGB,
      },
    });
    const error = await assertRejects(
      () => soon(host.ready, "the refusal"),
      BridgeError,
    );
    assertEquals(error.code, "schema_mismatch");
    assertStringIncludes(
      error.message,
      "The input 'bad' differs: the host sends nv12, i420, the module takes gray8; give them a pixel format that is in both lists",
    );
    assert(!error.message.includes("'good'"));
  },
);

permittedTest(
  "minors: two sides of VideoFrame 1.1 have its color and its duration; a module without declared ports has 1.0",
  SERVING,
  async () => {
    using _ = isolatedHome();
    const color = {
      primaries: "bt2020",
      transfer: "pq",
      matrix: null,
      full_range: false,
    } as const;
    const frame11 = {
      width: 2,
      height: 2,
      pixel_format: "rgba8",
      color,
      duration_ns: 40_000_000n,
    } as const;
    const none: Lists = {
      hostIn: null,
      moduleIn: null,
      hostOut: null,
      moduleOut: null,
    };
    {
      await using host = launch({ video: none });
      await soon(host.ready, "ready");
      using frame = host.input["video"]!.acquire(frame11);
      assert(host.input["video"]!.send(frame));
      using back = (await soon(host.output["video"]!.next(), "the frame"))!;
      assertEquals(back.color, color);
      assertEquals(back.duration_ns, 40_000_000n);
    }
    await using host = ReactiveHost.launch({
      ...testClient("marked.ts"),
      inputs: { video: VideoFrame },
      outputs: { video: VideoFrame },
    });
    await soon(host.ready, "ready");
    {
      using frame = host.input.video.acquire(frame11);
      assert(host.input.video.send(frame), "without what 1.0 does not have");
    }
    using back = (await soon(host.output.video.next(), "the frame"))!;
    assertEquals([back.color, back.duration_ns], [null, null]);
    using nv12 = host.input.video.acquire({
      width: 2,
      height: 2,
      pixel_format: "nv12",
    });
    const error = assertThrows(() => host.input.video.send(nv12), BridgeError);
    assertStringIncludes(
      error.message,
      "the other side has VideoFrame 1.0, which has no nv12",
    );
  },
);

playedTest(
  "a client of the first version gets frames of VideoFrame 1.0, and a ping without a word of ports",
  async ({ host, client }) => {
    client.send(client.hello);
    const ping = await client.control("ping");
    assertEquals(Object.keys(ping).sort(), [
      "ctrl_type",
      "msg_type",
      "payload",
    ]);
    client.send(pongMessage());
    client.send(STARTED);
    await soon(host.ready, "ready");
    const { video } = host.channel.senders;
    assertEquals(video.pixel_format, undefined);
    using frame = video.acquire({
      width: 8,
      height: 8,
      pixel_format: "gray8",
      duration_ns: 3n,
    });
    assert(video.send(frame));
    const { fields } = await client.frame();
    assertEquals(Object.keys(fields as object).sort(), [
      "frame_number",
      "height",
      "pixel_buffer",
      "pixel_format",
      "timestamp_ns",
      "width",
    ]);
    using p010 = video.acquire({ width: 8, height: 8, pixel_format: "p010" });
    const error = assertThrows(() => video.send(p010), BridgeError);
    assertStringIncludes(error.message, "VideoFrame 1.0, which has no p010");
  },
);
