// deno-lint-ignore-file no-console -- a program prints its result
/** Decodes a video with ffmpeg, removes its flicker in another process, and encodes it. */
import { ReactiveHost, readInto } from "@streamlib/bridge/host";
import { VIDEO } from "./ports.ts";

const [source, target] = Deno.args;
if (!source || !target) throw new Error("usage: host.ts SOURCE TARGET");
const [width, height, rate] = await probe(source);
const raw = ["-f", "rawvideo", "-pix_fmt", "rgba"];
const quiet = ["-nostdin", "-v", "error", "-y"];
const decoder = new Deno.Command("ffmpeg", {
  args: [...quiet, "-i", source, ...raw, "-"],
  stdout: "piped",
}).spawn();
const size = ["-video_size", `${width}x${height}`, "-framerate", rate];
const encoder = new Deno.Command("ffmpeg", {
  args: [...quiet, ...raw, ...size, "-i", "-", "-pix_fmt", "yuv420p", target],
  stdin: "piped",
}).spawn();

await using host = ReactiveHost.launch({
  module: new URL("./deflicker.ts", import.meta.url),
  inputs: { video: VIDEO },
  outputs: { video: VIDEO },
});
await Promise.all([decode(), encode()]);
const { sent, received, dropped, lost } = host.stats;
console.log(`${sent} sent, ${received} received, ${dropped + lost} lost`);
if (!(await encoder.status).success) Deno.exit(1);

async function decode(): Promise<void> {
  while (true) {
    await host.input.video.ready;
    using frame = host.input.video.acquire({ width, height }); // in the port's format
    if (!await readInto(frame.pixel_buffer, decoder.stdout)) break;
    host.input.video.send(frame);
  }
  await host.drain(); // the client flushes, and nothing is lost
}

async function encode(): Promise<void> {
  const writer = encoder.stdin.getWriter();
  for await (using frame of host.output.video) {
    await writer.write(frame.pixel_buffer.copyTo());
  }
  await writer.close();
}

/** Returns width, height and frame rate of a video. */
async function probe(file: string): Promise<[number, number, string]> {
  const shown = ["-show_entries", "stream=width,height,r_frame_rate"];
  const args = ["-v", "error", "-select_streams", "v:0", "-of", "csv=p=0"];
  args.push(...shown, file);
  const { stdout } = await new Deno.Command("ffprobe", { args }).output();
  const words = new TextDecoder().decode(stdout);
  const [width, height, rate] = words.trim().split(",");
  if (!rate) throw new Error(`${file} has no video that ffmpeg can read`);
  return [Number(width), Number(height), rate];
}
