/** A host of this version in the test's process, with a client of any version. */

import { assert } from "@std/assert";
import type { PortMap } from "../../host/mod.ts";
import { isolatedHome } from "../helpers/home.ts";
import { nativeLeavesNothing } from "../helpers/native_leaks.ts";
import { HOST_NEEDS, permittedTest } from "../helpers/permitted.ts";
import { soon } from "../helpers/soon.ts";
import {
  checkVideo,
  paint,
  pictureOf,
  type PORTS,
  timeOf,
} from "./old_peers/frames.ts";
import { launch, type Launched } from "./old_peers/launch.ts";
import {
  NEW,
  oldVersion,
  program,
  runner,
  type Version,
} from "./old_version.ts";
import { startBroker } from "./broker_and_peers.ts";

type Video = Pick<typeof PORTS, "video">;
/** A host that sends and receives video. */
type VideoHost = Launched<Video, Video>["host"];

/** The versions, and a broker of this one. */
interface Stage {
  readonly old: Version;
  readonly service: string;
}

/** Registers a test with a broker of this version. It fails if native objects are left. */
export function stageTest(
  name: string,
  body: (stage: Stage) => Promise<void>,
): void {
  permittedTest(name, HOST_NEEDS, () =>
    nativeLeavesNothing(async () => {
      using _ = isolatedHome();
      await using broker = await startBroker(NEW);
      await body({ old: await oldVersion(), service: broker.service });
    }));
}

/** A host of this version in this process, with a client of some version, until the end of the scope. */
export async function launched<I extends PortMap, O extends PortMap>(
  service: string | undefined,
  client: Version,
  module: string,
  inputs: I,
  outputs: O,
): Promise<Launched<I, O> & AsyncDisposable> {
  const made = launch({
    service,
    runner: runner(client),
    module: program(client, module),
    inputs,
    outputs,
  });
  const close = (): Promise<void> => soon(made.host.close(), "the host's end");
  try {
    await soon(made.host.ready, "ready");
  } catch (error) {
    await close();
    throw error;
  }
  return { ...made, [Symbol.asyncDispose]: close };
}

/** Sends the picture of this number. */
export async function sendVideo(
  host: VideoHost,
  number: number,
): Promise<void> {
  const { video } = host.channel.senders;
  await soon(video.ready, "a free surface");
  using frame = video.acquire({
    ...pictureOf(number),
    timestamp_ns: timeOf(number),
    frame_number: BigInt(number),
  });
  paint(frame.pixel_buffer.pixels, number, "host");
  assert(video.send(frame));
}

/** Throws unless the next picture is the one of this number, inverted. */
export async function receiveInverted(
  host: VideoHost,
  number: number,
): Promise<void> {
  const { video } = host.channel.receivers;
  using frame = await soon(video.next(), `picture ${number}`);
  checkVideo(frame!, number, "client");
}
