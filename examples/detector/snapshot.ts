/** Makes the picture of a snapshot. */
import type { Spot } from "./find.ts";

const RED = [255, 0, 0];

/** Returns a PPM file of a gray picture, with a red box around each spot. `box`: half its size. */
export function ppmWithBoxes(
  gray: Uint8Array,
  width: number,
  spots: readonly Spot[],
  box: number,
): Uint8Array {
  if (gray.length === 0) throw new Error("no picture has come yet");
  const height = gray.length / width;
  const head = new TextEncoder().encode(`P6 ${width} ${height} 255\n`);
  const file = new Uint8Array(head.length + 3 * gray.length);
  file.set(head);
  const pixels = file.subarray(head.length);
  gray.forEach((value, i) => pixels.fill(value, 3 * i, 3 * i + 3));
  const paint = (x: number, y: number): void => {
    if (x < 0 || y < 0 || x >= width || y >= height) return;
    pixels.set(RED, 3 * (y * width + x));
  };
  for (const { x, y } of spots) {
    for (let d = -box; d <= box; d++) {
      paint(x + d, y - box);
      paint(x + d, y + box);
      paint(x - box, y + d);
      paint(x + box, y + d);
    }
  }
  return file;
}
