import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { port, VideoFrame } from "../../host/mod.ts";
import { BridgeError } from "../../proto/errors.ts";
import { isolatedHome } from "../helpers/home.ts";
import { HOST_NEEDS, permittedTest } from "../helpers/permitted.ts";
import { soon, until } from "../helpers/soon.ts";
import {
  audioOf,
  checkAudio,
  checkVideo,
  paint,
  pictureOf,
  PORTS,
  samplesOf,
  timeOf,
} from "./old_peers/frames.ts";
import type { Report } from "./old_peers/host.ts";
import { launch, type Launched } from "./old_peers/launch.ts";
import {
  launched,
  receiveInverted,
  sendVideo,
  stageTest,
} from "./old_stage.ts";
import {
  NEW,
  oldVersion,
  prepareOldVersion,
  program,
  runner,
} from "./old_version.ts";
import { runHost } from "./broker_and_peers.ts";

/**
 * What this version can and a peer of the version before features cannot: the
 * peer gets what it knew, and whoever asks for more is told by name.
 */

prepareOldVersion();

const IN_ORDER = { read_behavior: "read_next_in_order", capacity: 3 } as const;
/** The formats of VideoFrame 1.0. */
const FOUR = "bgra8, rgba8, rgba16f, gray8";
type Ports = typeof PORTS;

async function assertClosesInOrder(
  { host, said }: Launched<Ports, Ports>,
): Promise<void> {
  await soon(host.close(), "close");
  assertEquals(await soon(host.ended, "the end"), undefined);
  assert(said().endsWith("teardown\n"), said());
}

stageTest(
  "ends: an old client is told of none and never ends; drain() refuses it and says what to do, and frames go on",
  async ({ old, service }) => {
    await using client = await launched(
      service,
      old,
      "inverts.ts",
      PORTS,
      PORTS,
    );
    const { host } = client;
    assertEquals([...host.channel.features], []);
    const error = await assertRejects(
      () => soon(host.drain(undefined), "drain"),
      BridgeError,
    );
    assertEquals(error.code, "version_mismatch");
    assertStringIncludes(
      error.message,
      "update it, or close the host without draining it",
    );
    await sendVideo(host, 0);
    await receiveInverted(host, 0);
    host.channel.senders.audio.end();
    host.channel.senders.data.end();
    for (let number = 1; number < 12; number++) {
      await sendVideo(host, number);
      await receiveInverted(host, number);
    }
    const { video, audio, data } = host.channel.receivers;
    assertEquals([video.ended, audio.ended, data.ended], [false, false, false]);
    assertEquals(client.warnings, []);
    await assertClosesInOrder(client);
  },
);

stageTest(
  "ends and moves: an old host gets its own memory back as new pieces, is not told of the ends of a new client, and goes on",
  async ({ old, service }) => {
    const frames = 24;
    const ended = await runHost(old, NEW, `passes_on.ts?ends=${frames}`, {
      service,
      frames,
      maker: "host",
    });
    assertEquals([ended.code, ended.stderr], [0, ""], ended.stdout);
    const report = JSON.parse(ended.stdout) as Report;
    assertEquals(report, {
      ...report,
      said: "",
      warnings: [],
      received: 3 * frames,
      misfits: 0,
      stray_releases: 0,
      failure: "",
    });
  },
);

for (
  const [from, to] of [["old", "old"], ["old", "new"], ["new", "old"]] as const
) {
  stageTest(
    `moves: a new host moves frames of the ${from} client to the ${to} one, and back to their producer; nothing is copied`,
    async ({ old, service }) => {
      const versions = { old, new: NEW };
      await using first = await launched(
        service,
        versions[from],
        "inverts.ts",
        PORTS,
        PORTS,
      );
      await using second = await launched(
        service,
        versions[to],
        "inverts.ts",
        PORTS,
        PORTS,
      );
      for (let number = 0; number < 24; number++) {
        await sendVideo(first.host, number);
        const { audio } = first.host.channel.senders;
        await soon(audio.ready, "a free buffer");
        const samples = samplesOf(number, "host");
        using block = audio.acquire({
          ...audioOf(number),
          samples: { length: samples.length },
        });
        block.samples.set(samples);
        assert(audio.send(block));
        // Each client inverts: the second one gets the client's picture, the first one the host's again.
        for (const [source, target] of [[first, second], [second, first]]) {
          const { receivers } = source!.host.channel;
          const { senders } = target!.host.channel;
          assert(
            senders.video.send(
              (await soon(receivers.video.next(), "a picture"))!,
            ),
          );
          assert(
            senders.audio.send((await soon(receivers.audio.next(), "audio"))!),
          );
        }
        const { receivers } = first.host.channel;
        using picture = await soon(receivers.video.next(), "the picture");
        checkVideo(picture!, number, "client");
        using sound = await soon(receivers.audio.next(), "the audio");
        checkAudio(sound!, number, "client");
      }
      for (const each of [first, second]) {
        const { copied_bytes, stray_releases, misfits } =
          each.host.channel.stats;
        assertEquals([copied_bytes, stray_releases, misfits], [0, 0, 0]);
        assertEquals(each.warnings, []);
        await assertClosesInOrder(each);
      }
    },
  );
}

stageTest(
  "formats: an old client has four; a host that lists nv12 alone is told both lists",
  async ({ old, service }) => {
    const lists = (formats: ("nv12" | "rgba8")[]) => ({
      ...PORTS,
      video: port(VideoFrame, { ...IN_ORDER, formats }),
    });
    {
      await using client = await launched(
        service,
        old,
        "inverts.ts",
        lists(["nv12", "rgba8"]),
        PORTS,
      );
      assertEquals(client.host.channel.senders.video.pixel_format, "rgba8");
    }
    const made = launch({
      service,
      runner: runner(old),
      module: program(old, "inverts.ts"),
      inputs: lists(["nv12"]),
      outputs: PORTS,
    });
    const failure = await soon(made.host.ended, "the refusal");
    await assertRejects(() => made.host.ready);
    assertEquals(failure?.code, "schema_mismatch");
    for (const words of ["video", "nv12", FOUR]) {
      assertStringIncludes(failure!.message, words);
    }
  },
);

stageTest(
  "formats: a new client that takes nv12 alone refuses an old host, and names both lists",
  async ({ old, service }) => {
    const ended = await runHost(old, NEW, "takes_nv12.ts", {
      service,
      frames: 1,
    });
    assertEquals(ended.code, 1);
    for (const words of ["input 'video'", "takes nv12", FOUR]) {
      assertStringIncludes(ended.stdout, words);
    }
  },
);

stageTest(
  "formats: what an old client sends in a format that its host does not list is refused by name, and frames go on",
  async ({ old, service }) => {
    await using client = await launched(service, old, "inverts.ts", PORTS, {
      ...PORTS,
      video: port(VideoFrame, { ...IN_ORDER, formats: ["rgba8"] }),
    });
    const { host } = client;
    await sendVideo(host, 0); // bgra8
    await sendVideo(host, 6); // rgba8
    await receiveInverted(host, 6);
    assertEquals(host.channel.stats.misfits, 1);
    assertEquals(client.warnings.length, 1);
    assertStringIncludes(
      client.warnings[0]!,
      "VideoFrame.pixel_buffer: expected a surface of rgba8, got a surface of bgra8",
    );
  },
);

stageTest(
  "minor versions: color and duration do not reach an old client, and formats that VideoFrame 1.0 does not have are refused by name",
  async ({ old, service }) => {
    await using client = await launched(
      service,
      old,
      "inverts.ts",
      PORTS,
      PORTS,
    );
    const { senders, receivers } = client.host.channel;
    {
      using frame = senders.video.acquire({
        ...pictureOf(0),
        timestamp_ns: timeOf(0),
        frame_number: 0n,
        color: {
          primaries: "bt709",
          transfer: "bt709",
          matrix: "bt709",
          full_range: false,
        },
        duration_ns: 40_000_000n,
      });
      paint(frame.pixel_buffer.pixels, 0, "host");
      assert(senders.video.send(frame));
    }
    using back = (await soon(receivers.video.next(), "the picture"))!;
    checkVideo(back, 0, "client");
    assertEquals([back.color, back.duration_ns], [null, null]);
    using nv12 = senders.video.acquire({
      width: 4,
      height: 2,
      pixel_format: "nv12",
    });
    const error = assertThrows(() => senders.video.send(nv12), BridgeError);
    assertEquals(error.code, "schema_mismatch");
    assertStringIncludes(
      error.message,
      "the other side has VideoFrame 1.0, which has no nv12",
    );
  },
);

const CONTRADICTION =
  "VideoFrame.width: expected 33, which is the width of 'pixel_buffer', got 1920";

stageTest(
  "marks: a picture of an old client that is not as wide as it says is refused by the name of its field, and frames go on",
  async ({ old, service }) => {
    await using client = await launched(
      service,
      old,
      "contradicts.ts",
      PORTS,
      PORTS,
    );
    for (let number = 0; number < 6; number++) {
      await sendVideo(client.host, number);
      await receiveInverted(client.host, number);
    }
    assertEquals(client.host.channel.stats.misfits, 6);
    assertEquals(client.warnings.length, 1);
    assertStringIncludes(client.warnings[0]!, CONTRADICTION);
  },
);

stageTest(
  "marks: a picture of an old host that is not as wide as it says is refused by a new client, and frames go on",
  async ({ old, service }) => {
    const ended = await runHost(old, NEW, "inverts.ts", {
      service,
      frames: 6,
      contradicts: true,
    });
    assertEquals([ended.code, ended.stderr], [0, ""], ended.stdout);
    const report = JSON.parse(ended.stdout) as Report;
    assertEquals(report.received, 18);
    assertStringIncludes(report.said, CONTRADICTION);
  },
);

permittedTest(
  "names: an old client does not find the broker that a new host runs itself, and says how to start one",
  HOST_NEEDS,
  async () => {
    using _ = isolatedHome();
    const old = await oldVersion();
    const { host, said } = launch({
      runner: runner(old),
      module: program(old, "inverts.ts"),
      inputs: PORTS,
      outputs: PORTS,
    });
    host.ready.catch(() => {}); // it is closed first
    await until(
      "the client's words",
      () => said().includes("start one with `deno task broker`"),
      said,
    );
    await soon(host.close(), "the host's end");
  },
);
