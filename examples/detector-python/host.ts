// deno-lint-ignore-file no-console -- a program prints its result
/** Sends pictures to a detector in Python, and changes its threshold between them. */
import { ReactiveHost, type Surface } from "@streamlib/bridge/host";
import { SPOTS, VIDEO } from "./ports.ts";

const RADIUS = 4;

await using host = ReactiveHost.launch({
  module: new URL("./detector.py", import.meta.url),
  inputs: { video: VIDEO },
  outputs: { spots: SPOTS },
  settings: { threshold: 0.25 },
});
await detect();
await host.settings.set({ threshold: 0.05 });
await detect();
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
  const threshold = Number(host.settings.values.threshold).toFixed(2);
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
