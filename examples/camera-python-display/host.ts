// deno-lint-ignore-file no-console -- a program prints its result
/** Sends the pictures of a camera to a cartoonist in Python, and shows what comes back. */
import { port, ReactiveHost, VideoFrame } from "@streamlib/bridge/host";
import { cameraPictures, SIZE } from "./camera.ts";
import { Display } from "./display.ts";
import { writePpm } from "./ppm.ts";

// Of the arguments, those for ffmpeg begin with a dash.
const target = Deno.args[0]?.startsWith("-") ? undefined : Deno.args[0];
const camera = Deno.args.slice(target === undefined ? 0 : 1);
const file = target?.endsWith(".ppm") ? target : undefined;
if (target && !file && !/^\d+$/.test(target)) {
  throw new Error("usage: host.ts [PORT | FILE.ppm] [CAMERA…]");
}
const count = file ? 100 : Infinity;
const VIDEO = port(VideoFrame, { read_behavior: "read_next_in_order" });

const stop = new AbortController();
Deno.addSignalListener("SIGINT", () => stop.abort());
await using display = file ? undefined : new Display(Number(target ?? 0));
if (display) console.log(`Open ${display.url} and end with Ctrl-C.`);
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
  let sent = 0;
  for await (const fill of cameraPictures(camera, stop.signal)) {
    await host.input.video.ready;
    using frame = host.input.video.acquire(SIZE);
    fill(frame.pixel_buffer); // the client sees this memory
    display?.sending(frame);
    host.input.video.send(frame);
    if (++sent === count) stop.abort();
  }
  await host.drain();
}

async function receive(): Promise<number> {
  let received = 0;
  for await (using frame of host.output.video) {
    display?.received(frame);
    if (++received === count) writePpm(file!, frame.pixel_buffer);
  }
  return received;
}
