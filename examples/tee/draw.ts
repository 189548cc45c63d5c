/** The picture of the source. */
import type { Surface } from "@streamlib/bridge/host";

/** Red grows to the right, green downwards; blue is a bar that moves. */
export function draw(picture: Surface, n: number): void {
  const { width, height } = picture;
  let y = 0;
  for (const row of picture.rows()) {
    for (let x = 0; x < width; x++) {
      const blue = x >= 4 * n && x < 4 * n + 100 ? 255 : 0;
      row.set([256 * x / width, 256 * y / height, blue, 255], 4 * x);
    }
    y++;
  }
}
