/**
 * A host that sends frames of every shipped schema to its client, and checks what
 * comes back. Its argument is a {@link Plan}. It writes a {@link Report} to stdout,
 * or exits with 1 and writes what went wrong.
 */

import {
  audioOf,
  checkAudio,
  checkData,
  checkVideo,
  dataOf,
  EXIT,
  type Maker,
  paint,
  pictureOf,
  PORTS,
  samplesOf,
  say,
  timeOf,
} from "./frames.ts";
import { launch } from "./launch.ts";

/** What it does. */
export interface Plan {
  /** The broker's service name; without it the host runs one itself. */
  readonly service?: string;
  readonly runner: string;
  readonly module: string;
  /** How many frames it sends on each port, to each of both clients. */
  readonly frames: number;
  /** Whether it leaves what a frame mirrors out of its templates. */
  readonly brief: boolean;
  /** Who has made the pictures and the audio that come back: a client that passes them on has not. */
  readonly maker: Maker;
  /** Whether its client ends in the middle, and another one is started. */
  readonly restarts: boolean;
  /** Whether it first sends a picture that is not as wide as it says, to which no answer comes. */
  readonly contradicts: boolean;
}

/** What has happened. */
export interface Report {
  /** What its clients have written. */
  readonly said: string;
  readonly warnings: readonly string[];
  readonly restarts: number;
  readonly received: number;
  readonly misfits: number;
  readonly stray_releases: number;
  /** The states of the connection at the broker. */
  readonly states: readonly string[];
  /** Why it has ended; empty after an orderly end. */
  readonly failure: string;
}

const plan: Plan = JSON.parse(Deno.args[0]!);
const { service, runner, module, frames, brief, maker } = plan;
const { host, said, warnings } = launch({
  service,
  runner: new URL(runner),
  module: new URL(module),
  inputs: PORTS,
  outputs: PORTS,
  restart: plan.restarts ? "on-failure" : "never",
});

const { senders, receivers } = host.channel;

async function exchange(number: number): Promise<void> {
  {
    await senders.video.ready;
    const picture = pictureOf(number);
    const given = {
      timestamp_ns: timeOf(number),
      frame_number: BigInt(number),
    };
    using frame = senders.video.acquire(
      brief
        ? { ...given, pixel_buffer: picture }
        : { ...given, ...picture, pixel_buffer: picture },
    );
    paint(frame.pixel_buffer.pixels, number, "host");
    if (!senders.video.send(frame)) throw new Error("a picture was dropped");
  }
  {
    await senders.audio.ready;
    const samples = samplesOf(number, "host");
    using frame = senders.audio.acquire({
      ...audioOf(number),
      samples: { length: samples.length },
    });
    frame.samples.set(samples);
    if (!senders.audio.send(frame)) throw new Error("audio was dropped");
  }
  {
    await senders.data.ready;
    using frame = senders.data.acquire(dataOf(number, "host"));
    if (!senders.data.send(frame)) throw new Error("data was dropped");
  }
  using video = await receivers.video.next();
  checkVideo(video!, number, maker);
  using audio = await receivers.audio.next();
  checkAudio(audio!, number, maker);
  using data = await receivers.data.next();
  checkData(data!, number, "client");
}

async function contradict(): Promise<void> {
  await senders.video.ready;
  const picture = pictureOf(0);
  using frame = senders.video.acquire({
    ...picture,
    width: 1920,
    pixel_buffer: picture,
    timestamp_ns: 0n,
    frame_number: 0n,
  });
  if (!senders.video.send(frame)) throw new Error("a picture was dropped");
}

/** Ends the client, and returns when another one has taken its place. */
async function replaceClient(): Promise<void> {
  const before = host.bridge.clientPid;
  {
    await senders.data.ready;
    using frame = senders.data.acquire({
      ...dataOf(0, "host"),
      schema_name: EXIT,
    });
    senders.data.send(frame);
  }
  while (host.bridge.clientPid === before || !host.channel.isOpen) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

try {
  await host.ready;
  if (plan.contradicts) await contradict();
  for (let number = 0; number < frames; number++) await exchange(number);
  if (plan.restarts) {
    await replaceClient();
    for (let number = 0; number < frames; number++) await exchange(number);
  }
  const info = await host.bridge.connectionInfo();
  await host.close();
  const failure = await host.ended;
  const { received, misfits, stray_releases } = host.channel.stats;
  const report: Report = {
    said: said(),
    warnings,
    restarts: host.restarts,
    received,
    misfits,
    stray_releases,
    states: [info!.host_state, info!.client_state, info!.derived_state],
    failure: failure?.message ?? "",
  };
  say(JSON.stringify(report));
} catch (error) {
  say(`${(error as Error).message}\n${said()}\n${warnings.join("\n")}`);
  Deno.exit(1);
}
