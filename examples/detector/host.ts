// deno-lint-ignore-file no-console -- a program prints its result
/** Sends pictures to a detector, changes its threshold between them, and asks it for a snapshot. */
import { ReactiveHost, type Surface } from "@streamlib/bridge/host";
import "onnxruntime-web/wasm"; // so that it is downloaded before WASM is looked for
import { RADIUS } from "./model.ts";
import { SPOTS, VIDEO } from "./ports.ts";

const [target] = Deno.args;
if (!target) throw new Error("usage: host.ts FILE.ppm");
/** Where Deno keeps the program that the client loads. */
const WASM = import.meta.resolve("onnxruntime-web/ort-wasm-simd-threaded.wasm");

await using host = ReactiveHost.launch<typeof import("./detector.ts")>({
  module: new URL("./detector.ts", import.meta.url),
  inputs: { video: VIDEO },
  outputs: { spots: SPOTS },
  permissions: { read: [new URL(WASM)] }, // and no other file
  settings: { threshold: 0.25 },
});
await detect();
await host.settings.set({ threshold: 0.05 });
await detect();
const { ppm } = await host.call.snapshot({ box: 9 });
await Deno.writeFile(target, ppm);
await host.drain();

/** Sends a picture, and prints what is found in it. */
async function detect(): Promise<void> {
  await host.input.video.ready;
  using frame = host.input.video.acquire({ width: 320, height: 180 });
  draw(frame.pixel_buffer);
  host.input.video.send(frame);
  using found = await host.output.spots.next();
  const texts = found?.spots.map(({ x, y, score }) =>
    `${score.toFixed(2)} at ${x},${y}`
  );
  const threshold = host.settings.values.threshold?.toFixed(2);
  console.log(`threshold ${threshold}: ${texts?.join("; ")}`);
}

/** Draws six spots, each fainter than the one before, on gray that is brighter at the right. */
function draw(picture: Surface): void {
  const rows = [...picture.rows()];
  for (const row of rows) row.forEach((_, x) => row[x] = 20 + x / 4);
  [150, 110, 80, 55, 35, 20].forEach((brighter, n) => {
    const x = 40 + 48 * n, y = n % 2 === 0 ? 60 : 120;
    for (let v = -RADIUS; v <= RADIUS; v++) {
      for (let u = -RADIUS; u <= RADIUS; u++) {
        if (Math.hypot(u, v) <= RADIUS) rows[y + v]![x + u]! += brighter;
      }
    }
  });
}
