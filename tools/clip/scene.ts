/**
 * The animated scene of the demo's clip: an evening sky, two gears, a ball that
 * bounces on a moving grid, and a test strip. It repeats after {@link FRAMES}
 * frames.
 *
 * @module
 */

import { boxAround, Canvas, type Colour, coverage, mix } from "./canvas.ts";
import { ball } from "./ball.ts";
import { gear, star } from "./figures.ts";
import { clamp, cosine, length, sine } from "./geometry.ts";
import { letter } from "./lettering.ts";

/** Columns of the picture. */
export const WIDTH = 640;
/** Rows of the picture. */
export const HEIGHT = 360;
/** Frames until the scene repeats. */
export const FRAMES = 60;
/** Frames per second. */
export const FRAME_RATE = 30;

const HORIZON = 212;
const STRIP = 326;

const ZENITH: Colour = [22, 20, 66];
const DUSK: Colour = [150, 52, 120];
const GLOW: Colour = [255, 150, 84];
const SUN_TOP: Colour = [255, 226, 110];
const SUN_BOTTOM: Colour = [255, 70, 120];
const FLOOR_FAR: Colour = [72, 22, 92];
const FLOOR_NEAR: Colour = [20, 10, 44];
const GRID: Colour = [70, 226, 255];

/** The colour bars of a test card at three quarters of full strength, and black. */
const BARS: readonly Colour[] = [
  [191, 191, 191],
  [191, 191, 0],
  [0, 191, 191],
  [0, 191, 0],
  [191, 0, 191],
  [191, 0, 0],
  [0, 0, 191],
  [12, 12, 14],
];

/** Draws frame `index`, 0 to {@link FRAMES} - 1, on a new canvas. */
export function drawScene(index: number): Canvas {
  const canvas = new Canvas(WIDTH, HEIGHT);
  const time = index / FRAMES;
  sky(canvas);
  sun(canvas);
  mountains(canvas, time);
  floor(canvas, time);
  // Twelve and eight teeth: when one has turned by two thirds, the other has made a full turn.
  gear(canvas, { x: 112, y: 116 }, 66, 12, time * 2 / 3, [84, 196, 190]);
  gear(canvas, { x: 202, y: 62 }, 44, 8, -time + 0.04, [250, 176, 72]);
  star(canvas, { x: 566, y: 66 }, 46, time / 5 * 2, [255, 236, 150]);
  const bounce = (time * 2) % 1;
  ball(canvas, {
    x: 330 + 120 * sine(time),
    ground: 292,
    height: 4 * bounce * (1 - bounce) * 150,
    radius: 34,
    turns: time * 2,
  });
  strip(canvas, index);
  return canvas;
}

function sky(canvas: Canvas): void {
  for (let y = 0; y < HORIZON; y++) {
    const part = y / HORIZON;
    const colour = part < 0.6
      ? mix(ZENITH, DUSK, part / 0.6)
      : mix(DUSK, GLOW, (part - 0.6) / 0.4);
    canvas.rectangle(0, y, WIDTH, 1, colour);
  }
}

/** Draws a low sun whose lower half is cut into bands. */
function sun(canvas: Canvas): void {
  const x = 430;
  const y = 150;
  const radius = 78;
  const halo = 2 * radius;
  canvas.fill(
    boxAround(x, y, halo),
    (px, py) => {
      const part = 1 - length(px - x, py - y) / halo;
      return py < HORIZON && part > 0 ? part * part * 0.7 : 0;
    },
    GLOW,
  );
  canvas.fill(
    boxAround(x, y, radius),
    (px, py) => {
      const down = (py - y) / radius;
      const band = 13;
      const gap = down < 0 ? 0 : 2 + down * 7;
      const place = (py - y) - Math.floor((py - y) / band) * band;
      return place < gap ? 0 : coverage(length(px - x, py - y) - radius);
    },
    (_, py) =>
      mix(SUN_TOP, SUN_BOTTOM, clamp((py - y + radius) / (2 * radius), 0, 1)),
  );
}

/** Draws two mountain ranges that move, the near one faster. */
function mountains(canvas: Canvas, time: number): void {
  const ranges: [Colour, (place: number) => number, number][] = [
    [[98, 40, 112], (p) => 30 + 12 * sine(p * 3) + 8 * sine(p * 7 + 0.3), 0],
    [[48, 20, 74], (p) => 15 + 9 * sine(p * 4 + 0.1) + 5 * sine(p * 9), 1],
  ];
  for (const [colour, heightAt, laps] of ranges) {
    for (let x = 0; x < WIDTH; x++) {
      const top = HORIZON - heightAt(x / WIDTH + time * laps);
      for (let y = Math.floor(top) - 1; y < HORIZON; y++) {
        canvas.blend(x, y, colour, coverage(top - y - 0.5));
      }
    }
  }
}

/** Draws a plane with a grid, in perspective, that moves towards the viewer. */
function floor(canvas: Canvas, time: number): void {
  const eye = 46;
  for (let y = HORIZON; y < STRIP; y++) {
    const below = y + 0.5 - HORIZON;
    const depth = eye / below;
    const part = below / (STRIP - HORIZON);
    const ground = mix(FLOOR_FAR, FLOOR_NEAR, part);
    const strength = clamp(part * 2.5, 0.05, 0.85);
    // Grid coordinates: lines are at integers. `across` is the step to the next pixel.
    const along = 6 * depth + 6 * time;
    const across = depth / 38;
    const beam = line(along, 6 * depth / below);
    for (let x = 0; x < WIDTH; x++) {
      const aside = (x + 0.5 - WIDTH / 2) * across;
      const upright = line(aside, length(across, aside / below));
      canvas.blend(x, y, ground, 1);
      canvas.blend(x, y, GRID, strength * Math.max(beam, upright));
    }
  }
}

/** The part of a pixel at `place`, `size` wide, that lines at the integers cover. */
function line(place: number, size: number): number {
  const distance = place - Math.floor(place + 0.5);
  const away = (distance < 0 ? -distance : distance) / size;
  // Lines as close as pixels merge into an even tone.
  const apart = clamp(1.5 - size * 4, 0, 1);
  return apart * clamp(1.4 - away, 0, 1) + (1 - apart) * Math.min(size, 0.4);
}

/** Draws colour bars, a grey ramp, the name and the number of the frame. */
function strip(canvas: Canvas, index: number): void {
  const bar = 52;
  const bars = BARS.length * bar;
  canvas.rectangle(0, STRIP, WIDTH, HEIGHT - STRIP, [12, 12, 14]);
  BARS.forEach((colour, i) => {
    canvas.rectangle(i * bar, STRIP, bar, 22, colour);
  });
  for (let i = 0; i < 16; i++) {
    const grey = 16 + i * 15;
    canvas.rectangle(i * bars / 16, STRIP + 22, bars / 16, 12, [
      grey,
      grey,
      grey,
    ]);
  }
  // A mark that moves over the ramp once in each loop.
  const mark = Math.floor((0.5 - 0.5 * cosine(index / FRAMES)) * (bars - 8));
  canvas.rectangle(mark, STRIP + 22, 8, 12, [255, 60, 60]);
  letter(canvas, "STREAMLIB", bars + 14, STRIP + 7, 3, [236, 236, 240]);
  letter(
    canvas,
    String(index).padStart(2, "0"),
    bars + 186,
    STRIP + 7,
    3,
    [70, 226, 255],
  );
}
