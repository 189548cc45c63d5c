import { assert, assertEquals } from "@std/assert";
import { systemClock } from "../../ffi/clock.ts";
import { Native } from "../../ffi/native.ts";
import { localShim } from "../../ffi/shim.ts";
import { AudioFrame } from "../../proto/schema/frames/audio_frame.ts";
import { connectionSchema } from "../../proto/schema/connection_schema.ts";
import { DataFrame } from "../../proto/schema/frames/data_frame.ts";
import { port } from "../../proto/schema/port.ts";
import { uint64 } from "../../proto/wire/xpc_value.ts";
import { VideoFrame } from "../../proto/schema/frames/video_frame.ts";
import { ChannelPair } from "../helpers/channel_pair.ts";
import { TEST_PATH } from "../helpers/lane/lane_handshake.ts";
import { nativeLeavesNothing } from "../helpers/native_leaks.ts";
import { soon } from "../helpers/soon.ts";

const { inputs } = connectionSchema({
  inputs: {
    video: VideoFrame,
    audio: AudioFrame,
    data: port(DataFrame, { read_behavior: "read_next_in_order" }),
    latest_data: DataFrame,
  },
});
type Pair = ChannelPair<typeof inputs>;

/** A pair whose clock shows `clock.ms`. */
function statsTest(
  name: string,
  body: (pair: Pair, clock: { ms: number }) => Promise<void>,
): void {
  Deno.test(name, () =>
    nativeLeavesNothing(async () => {
      const clock = { ms: 1_000 };
      using native = new Native({
        ...localShim(),
        clock: { ...systemClock, now: () => clock.ms },
      });
      using pair = new ChannelPair(native, inputs);
      await soon(pair.connect(), "the connection");
      await soon(body(pair, clock), name);
    }));
}

function sendVideo(pair: Pair): number {
  const { video } = pair.sender.senders;
  using frame = video.acquire({
    pixel_buffer: { width: 67, height: 3, pixel_format: "rgba8" },
    pixel_format: "rgba8",
    width: 67,
    height: 3,
    timestamp_ns: 0n,
    frame_number: 0n,
  });
  const { bytes_per_row } = frame.pixel_buffer;
  assert(video.send(frame));
  return 3 * bytes_per_row;
}

function sendData(pair: Pair, port: "data" | "latest_data"): number {
  const sender = pair.sender.senders[port];
  using frame = sender.acquire({
    data: new Uint8Array(11),
    schema_name: "eleven",
    timestamp_ns: 0n,
  });
  assert(sender.send(frame));
  return 11;
}

function sendAudio(pair: Pair): number {
  const { audio } = pair.sender.senders;
  using frame = audio.acquire({
    samples: { length: 100 },
    channels: 1,
    sample_rate: 48_000,
    timestamp_ns: 0n,
    frame_number: 0n,
  });
  assert(audio.send(frame));
  return 400;
}

statsTest(
  "what carries the frames is told from the first connection on, and is the peer's choice, too",
  async (pair) => {
    const path =
      (): unknown[] => [pair.sender.stats.path, pair.receiver.stats.path];
    assertEquals(path(), [TEST_PATH, TEST_PATH]);
    pair.kill("receiver"); // makes a new channel
    assertEquals(path(), [TEST_PATH, undefined]);
    pair.features = new Set(); // of a peer of the first version
    await pair.connect();
    assertEquals(path(), ["dictionary", "dictionary"]);
  },
);

statsTest("the frames on lease are counted, on both sides", async (pair) => {
  const { sender, receiver } = pair;
  const { data } = sender.senders;
  const leased = (): number[] => [sender.stats.leased, receiver.stats.leased];
  const frame = data.acquire({
    data: new Uint8Array(1),
    schema_name: "one",
    timestamp_ns: 0n,
  });
  const spare = frame.clone();
  assertEquals(leased(), [2, 0]);
  assert(data.send(frame));
  spare[Symbol.dispose]();
  await pair.settle();
  assertEquals(leased(), [0, 0]); // not read yet
  const read = receiver.receivers.data.get()!;
  const clone = read.clone();
  assertEquals(leased(), [0, 2]);
  read[Symbol.dispose]();
  assertEquals(leased(), [0, 1]);
  clone[Symbol.dispose]();
  assertEquals(leased(), [0, 0]);
});

statsTest("the bytes of the frames received are counted", async (pair) => {
  const bytes = sendVideo(pair) + sendAudio(pair) + sendData(pair, "data") +
    sendData(pair, "latest_data");
  pair.raw.send({
    msg_type: "frame",
    frame_id: uint64(9),
    port_name: "data",
    fields: { data: new Uint8Array(500) },
  });
  await pair.settle();
  assertEquals(pair.receiver.stats, {
    path: TEST_PATH,
    sent: 0,
    received: 4,
    dropped: 0,
    waiting: 0,
    lost: 0,
    leased: 0,
    peer_dropped: 0,
    stray_releases: 0,
    misfits: 1,
    given_away: 0,
    copied_bytes: 0,
    bytes,
    p50_us: 0,
    p99_us: 0,
  });
  assertEquals(pair.sender.stats.bytes, 0);
  assertEquals([pair.sender.transferred, pair.receiver.transferred], [4, 4]);
});

statsTest(
  "latency is from the sending to the release by the other side",
  async (pair, clock) => {
    const { receivers } = pair.receiver;
    sendVideo(pair);
    sendData(pair, "data");
    await pair.settle();
    clock.ms += 4;
    assertEquals(pair.sender.stats.p99_us, 0); // nothing was released yet
    receivers.video.get()![Symbol.dispose]();
    await pair.settle();
    assertEquals([pair.sender.stats.p50_us, pair.sender.stats.p99_us], [
      4_000,
      4_000,
    ]);
    clock.ms += 6;
    receivers.data.get()![Symbol.dispose]();
    await pair.settle();
    assertEquals([pair.sender.stats.p50_us, pair.sender.stats.p99_us], [
      4_000,
      10_000,
    ]);
    assertEquals(pair.receiver.stats.p99_us, 0); // it has sent nothing
  },
);

statsTest(
  "a frame that nobody releases is not measured: not on a port of the latest, not across a restart",
  async (pair, clock) => {
    sendData(pair, "latest_data");
    sendData(pair, "data");
    sendVideo(pair);
    await pair.settle();
    clock.ms += 5;
    pair.receiver.receivers.latest_data.get()![Symbol.dispose]();
    await pair.settle();
    pair.kill("receiver");
    await pair.connect();
    assertEquals(pair.sender.stats.p99_us, 0);
    sendVideo(pair);
    clock.ms += 1;
    await pair.settle();
    pair.receiver.receivers.video.get()![Symbol.dispose]();
    await pair.settle();
    assertEquals(pair.sender.stats.p99_us, 1_000);
  },
);
