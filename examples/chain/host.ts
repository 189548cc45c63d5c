// deno-lint-ignore-file no-console -- a program prints its result
/** Two clients in a chain: what comes from the first is sent to the second, without a copy. */
import { ReactiveHost } from "@streamlib/bridge/host";
import { VIDEO } from "./ports.ts";
import { writePpm } from "./ppm.ts";

const [target] = Deno.args;
if (!target) throw new Error("usage: host.ts TARGET.ppm");
const SIZE = { width: 960, height: 540, pixel_format: "rgba8" } as const;
const COUNT = 100;

await using first = launch("./rings.ts");
await using second = launch("./meter.ts");
const [, , received] = await Promise.all([send(), passOn(), receive()]);
const copied = first.stats.copied_bytes + second.stats.copied_bytes;
console.log(
  `${received} of ${COUNT} pictures, ${copied} bytes of pixels copied`,
);

function launch(module: string) {
  const ports = { inputs: { video: VIDEO }, outputs: { video: VIDEO } };
  return ReactiveHost.launch({
    module: new URL(module, import.meta.url),
    ...ports,
  });
}

async function send(): Promise<void> {
  for (let n = 0; n < COUNT; n++) {
    await first.input.video.ready;
    using frame = first.input.video.acquire(SIZE);
    let y = 0;
    for (const row of frame.pixel_buffer.rows()) {
      row.fill(Math.round(255 * y++ / SIZE.height)); // black above, white below
    }
    first.input.video.send(frame);
  }
  await first.drain();
}

async function passOn(): Promise<void> {
  for await (using frame of first.output.video) {
    await second.input.video.ready;
    second.input.video.send(frame); // moved; the first client gets its memory back later
  }
  await second.drain();
}

async function receive(): Promise<number> {
  let received = 0;
  for await (using frame of second.output.video) {
    if (++received === COUNT) writePpm(target!, frame.pixel_buffer);
  }
  return received;
}
