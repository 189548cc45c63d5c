import { ReactiveHost, VideoFrame } from "@streamlib/bridge/host";

await using invert = ReactiveHost.launch({
  module: new URL("./invert.ts", import.meta.url),
  inputs: { video: VideoFrame },
  outputs: { video: VideoFrame },
});
await invert.ready;
const seen: number[] = [];
for (let n = 0; n < 5; n++) {
  using frame = invert.input.video.acquire({
    pixel_buffer: { width: 64, height: 64, pixel_format: "rgba8" },
    pixel_format: "rgba8",
    width: 64,
    height: 64,
    timestamp_ns: 0n,
    frame_number: BigInt(n),
  });
  frame.pixel_buffer.pixels.fill(n);
  invert.input.video.send(frame);
  using result = await invert.output.video.next();
  if (!result) break;
  seen.push(result.pixel_buffer.pixels.at(-1)!);
}
const say = (to: { writeSync(bytes: Uint8Array): number }, line: string) =>
  to.writeSync(new TextEncoder().encode(`${line}\n`));
say(Deno.stdout, `${seen}`);
say(Deno.stderr, JSON.stringify(invert.broker)); // read by tests
