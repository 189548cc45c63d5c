// deno-lint-ignore-file no-console -- a program prints its result
/** A graph in Web Streams: a source, every second picture of which goes to a filter. */
import { ManualHost, type ReceivedFrame } from "@streamlib/bridge/host";
import { PICTURES } from "./ports.ts";

type Picture = ReceivedFrame<typeof PICTURES.schema>;

const [target] = Deno.args;
if (!target) throw new Error("usage: host.ts FILE.pgm");

await using ramp = ManualHost.launch({
  module: new URL("./ramp.ts", import.meta.url),
  outputs: { video: PICTURES },
});
await using invert = ManualHost.launch({
  module: new URL("./invert.ts", import.meta.url),
  inputs: { video: PICTURES },
  outputs: { video: PICTURES },
});
ramp.start();
invert.start();

const everySecond = new TransformStream<Picture, Picture>({
  transform(frame, controller) {
    if (frame.frame_number % 2n === 0n) controller.enqueue(frame);
    else frame[Symbol.dispose](); // whoever reads a frame disposes it, or passes it on
  },
});
const piping = ramp.output.video.readable
  .pipeThrough(everySecond)
  .pipeTo(invert.input.video.writable);

let received = 0;
for await (using frame of invert.output.video.readable) {
  received++;
  if (frame.frame_number !== 98n) continue;
  const { width, height } = frame;
  const head = new TextEncoder().encode(`P5 ${width} ${height} 255\n`);
  const rows = [...frame.pixel_buffer.rows()].map((row) => row.slice());
  await Deno.writeFile(target, new Blob([head, ...rows]).stream());
}
await piping; // rejects if a host has failed
const copied = ramp.stats.copied_bytes + invert.stats.copied_bytes;
console.log(`${received} of 100 pictures, ${copied} bytes of pixels copied`);
