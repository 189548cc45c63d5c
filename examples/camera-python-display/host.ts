// deno-lint-ignore-file no-console -- a program prints its result
/** Sends the pictures of a camera to a cartoonist in Python, and writes the last one that comes back. */
import { port, ReactiveHost, VideoFrame } from "@streamlib/bridge/host";
import { cameraPictures, SIZE } from "./camera.ts";
import { writePpm } from "./ppm.ts";

const [target, ...camera] = Deno.args;
if (!target) throw new Error("usage: host.ts FILE.ppm [CAMERA…]");
const COUNT = 100;
const VIDEO = port(VideoFrame, { read_behavior: "read_next_in_order" });

await using host = ReactiveHost.launch({
  module: new URL("./cartoon.py", import.meta.url),
  inputs: { video: VIDEO },
  outputs: { video: VIDEO },
  settings: { colors: 4 },
});
const [, received] = await Promise.all([send(), receive()]);
const { copied_bytes } = host.stats;
console.log(`${received} pictures, ${copied_bytes} bytes of pixels copied`);

async function send(): Promise<void> {
  for await (const fill of cameraPictures(camera, COUNT)) {
    await host.input.video.ready;
    using frame = host.input.video.acquire(SIZE);
    fill(frame.pixel_buffer); // the client sees this memory
    host.input.video.send(frame);
  }
  await host.drain();
}

async function receive(): Promise<number> {
  let received = 0;
  for await (using frame of host.output.video) {
    if (++received === COUNT) writePpm(target!, frame.pixel_buffer);
  }
  return received;
}
