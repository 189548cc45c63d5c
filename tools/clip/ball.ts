/**
 * The bouncing ball of the scene.
 *
 * @module
 */

import { boxAround, type Canvas, type Colour } from "./canvas.ts";
import { clamp, cosine, length, sine } from "./geometry.ts";

const RED: Colour = [226, 42, 58];
const WHITE: Colour = [246, 244, 238];

/** Samples of the ball in each direction of a pixel. */
const SAMPLES = 3;

/** The position of the ball, in pixels. */
interface BallPlace {
  /** Middle column. */
  readonly x: number;
  /** The row of the ground. */
  readonly ground: number;
  /** The distance from the ground to its lowest point. */
  readonly height: number;
  /** Its radius. */
  readonly radius: number;
  /** Its rotation, in turns. */
  readonly turns: number;
}

/** Draws a chequered ball with its shadow on the ground. */
export function ball(canvas: Canvas, place: BallPlace): void {
  const { x, ground, height, radius, turns } = place;
  const spread = radius * (1 + height / 400);
  const dark = 0.75 - height / 320;
  canvas.fill(
    {
      left: x - spread,
      top: ground - 12,
      right: x + spread,
      bottom: ground + 12,
    },
    (px, py) =>
      clamp((1 - length((px - x) / spread, (py - ground + 2) / 10)) * 3, 0, 1) *
      dark,
    [4, 2, 12],
  );

  const y = ground - height - radius;
  const spin = { cos: cosine(turns), sin: sine(turns) };
  let shade: Colour = WHITE;
  canvas.fill(boxAround(x, y, radius), (px, py) => {
    let covered = 0;
    let red = 0;
    let green = 0;
    let blue = 0;
    for (let i = 0; i < SAMPLES * SAMPLES; i++) {
      const u = (px + (i % SAMPLES + 0.5) / SAMPLES - 0.5 - x) / radius;
      const v = (py + (Math.floor(i / SAMPLES) + 0.5) / SAMPLES - 0.5 - y) /
        radius;
      if (u * u + v * v > 1) continue;
      const colour = surface(u, v, spin);
      covered++;
      red += colour[0];
      green += colour[1];
      blue += colour[2];
    }
    if (covered > 0) shade = [red / covered, green / covered, blue / covered];
    return covered / (SAMPLES * SAMPLES);
  }, () => shade);
}

/** The colour, with light, at (u, v) of the visible half of a unit ball. */
function surface(
  u: number,
  v: number,
  spin: { cos: number; sin: number },
): Colour {
  const w = Math.sqrt(1 - u * u - v * v);
  // The axis leans to the right by 22.5 degrees.
  const tilted = u * 0.924 + v * 0.383;
  const axis = v * 0.924 - u * 0.383;
  const east = tilted * spin.cos + w * spin.sin;
  const north = w * spin.cos - tilted * spin.sin;
  // The colour changes at each meridian and at each parallel.
  const beyond = [
    east > 0,
    north > 0,
    east > north,
    east > -north,
    axis > -0.707,
    axis > 0,
    axis > 0.707,
  ].filter(Boolean).length;
  const paint = beyond % 2 === 0 ? RED : WHITE;
  const light = clamp(0.4 - 0.45 * u - 0.5 * v + 0.45 * w, 0.16, 1);
  const gleam = clamp((0.92 - length(u + 0.4, v + 0.45) - 0.6) * 2.2, 0, 1);
  return [
    paint[0] * light + (255 - paint[0] * light) * gleam,
    paint[1] * light + (255 - paint[1] * light) * gleam,
    paint[2] * light + (255 - paint[2] * light) * gleam,
  ];
}
