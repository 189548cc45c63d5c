/**
 * The geometry of the scene. It uses only operations that IEEE 754 defines
 * exactly, so every machine draws the same clip. (`Math.sin` and similar functions
 * may differ between engines.)
 *
 * @module
 */

/** A point or vector in pixels. */
export interface Point {
  /** The column, to the right. */
  readonly x: number;
  /** The row, downwards. */
  readonly y: number;
}

/** The sine of an angle in turns: 1 is a full circle. */
export function sine(turns: number): number {
  // Reduced to -0.25 to 0.25 turns, where the first terms of the series are exact to 1e-8.
  let t = turns - Math.floor(turns + 0.5);
  if (t > 0.25) t = 0.5 - t;
  if (t < -0.25) t = -0.5 - t;
  const a = t * 2 * Math.PI;
  const s = a * a;
  return a *
    (1 -
      s / 6 * (1 - s / 20 * (1 - s / 42 * (1 - s / 72 * (1 - s / 110)))));
}

/** The cosine of an angle in turns. */
export function cosine(turns: number): number {
  return sine(turns + 0.25);
}

/** The point at distance `radius` and angle `turns` from `centre`. */
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

/** `value`, limited to `low` and `high`. */
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
    // A ray to the right crosses this edge.
    if (a.y > y !== b.y > y && x < a.x + ex * (y - a.y) / ey) inside = !inside;
  }
  return inside ? -Math.sqrt(nearest) : Math.sqrt(nearest);
}
