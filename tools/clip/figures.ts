/**
 * The flat figures of the scene.
 *
 * @module
 */

import {
  boxAround,
  type Canvas,
  type Colour,
  coverage,
  mix,
} from "./canvas.ts";
import { around, length, type Point, polygonDistance } from "./geometry.ts";

const BLACK: Colour = [0, 0, 0];
const WHITE: Colour = [255, 255, 255];

/** Draws a gear with a hub, and a round hole for every two teeth. At 0 `turns` a tooth points right; it turns clockwise. */
export function gear(
  canvas: Canvas,
  centre: Point,
  radius: number,
  teeth: number,
  turns: number,
  colour: Colour,
): void {
  const outline: Point[] = [];
  for (let tooth = 0; tooth < teeth; tooth++) {
    const at = turns + tooth / teeth;
    for (
      const [part, height] of [[-0.3, 0.82], [-0.17, 1], [0.17, 1], [
        0.3,
        0.82,
      ]] as const
    ) {
      outline.push(around(centre, radius * height, at + part / teeth));
    }
  }
  const windows = Array.from(
    { length: teeth / 2 },
    (_, i) => around(centre, radius * 0.5, turns + i / (teeth / 2)),
  );
  const rim = mix(colour, WHITE, 0.35);
  const face = mix(colour, BLACK, 0.12);
  const hub = mix(colour, BLACK, 0.55);

  canvas.fill(boxAround(centre.x, centre.y, radius), (x, y) => {
    const away = length(x - centre.x, y - centre.y);
    // Far from the teeth the distance to the outline need not be computed.
    let part = away < radius * 0.78
      ? 1
      : coverage(polygonDistance(outline, x, y));
    for (const window of windows) {
      part = Math.min(
        part,
        coverage(radius * 0.15 - length(x - window.x, y - window.y)),
      );
    }
    return part;
  }, (x, y) => {
    const away = length(x - centre.x, y - centre.y);
    const plate = mix(rim, face, coverage(away - radius * 0.74));
    return mix(plate, hub, coverage(away - radius * 0.2));
  });
}

/** Draws a five-pointed star. At 0 `turns` it points up; it turns clockwise. */
export function star(
  canvas: Canvas,
  centre: Point,
  radius: number,
  turns: number,
  colour: Colour,
): void {
  const outline: Point[] = [];
  for (let i = 0; i < 10; i++) {
    const reach = i % 2 === 0 ? radius : radius * 0.45;
    outline.push(around(centre, reach, turns - 0.25 + i / 10));
  }
  canvas.fill(
    boxAround(centre.x, centre.y, radius),
    (x, y) => coverage(polygonDistance(outline, x, y)),
    (x, y) =>
      mix(
        colour,
        [255, 120, 90],
        length(x - centre.x, y - centre.y) / radius,
      ),
  );
}
