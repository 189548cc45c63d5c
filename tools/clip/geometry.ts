/**
 * The little geometry that the scene takes, from operations which IEEE 754
 * defines to the last bit: every machine draws the same clip. (`Math.sin` and
 * its like may differ from one engine to the next.)
 *
 * @module
 */

/** A point or vector in pixels. */
export interface Point {
  /** To the right. */
  readonly x: number;
  /** Down. */
  readonly y: number;
}

/** Sine of an angle that is given in turns: 1 is once around. */
export function sine(turns: number): number {
  // Folded into a quarter turn either way, where the series' first terms are exact to 1e-8.
  let t = turns - Math.floor(turns + 0.5);
  if (t > 0.25) t = 0.5 - t;
  if (t < -0.25) t = -0.5 - t;
  const a = t * 2 * Math.PI;
  const s = a * a;
  return a *
    (1 -
      s / 6 * (1 - s / 20 * (1 - s / 42 * (1 - s / 72 * (1 - s / 110)))));
}

/** Cosine of an angle that is given in turns. */
export function cosine(turns: number): number {
  return sine(turns + 0.25);
}

/** The point at `radius` and `turns` from `centre`. */
export function around(centre: Point, radius: number, turns: number): Point {
  return {
    x: centre.x + radius * cosine(turns),
    y: centre.y + radius * sine(turns),
  };
}

/** Distance between two points, or length of a vector. */
export function length(x: number, y: number): number {
  return Math.sqrt(x * x + y * y);
}

/** `value`, kept between `low` and `high`. */
export function clamp(value: number, low: number, high: number): number {
  return value < low ? low : value > high ? high : value;
}

/** The signed distance from (x, y) to a polygon's outline, negative inside; the outline must be simple. */
export function polygonDistance(
  outline: readonly Point[],
  x: number,
  y: number,
): number {
  let nearest = Infinity;
  let inside = false;
  for (let i = 0; i < outline.length; i++) {
    const a = outline[i]!;
    const b = outline[(i + 1) % outline.length]!;
    const ex = b.x - a.x;
    const ey = b.y - a.y;
    const along = clamp(
      ((x - a.x) * ex + (y - a.y) * ey) / (ex * ex + ey * ey),
      0,
      1,
    );
    const dx = x - a.x - ex * along;
    const dy = y - a.y - ey * along;
    nearest = Math.min(nearest, dx * dx + dy * dy);
    // An edge that a ray to the right crosses.
    if (a.y > y !== b.y > y && x < a.x + ex * (y - a.y) / ey) inside = !inside;
  }
  return inside ? -Math.sqrt(nearest) : Math.sqrt(nearest);
}
