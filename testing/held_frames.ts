/**
 * What a test is told of frames that nobody has disposed.
 *
 * @module
 */

/**
 * Names the frames that are still on lease, or returns undefined if there is none.
 *
 * @param who who holds them
 * @param from where they are from, before the name of the port
 */
export function heldFrames(
  who: string,
  from: string,
  counts: ReadonlyMap<string, number>,
): string | undefined {
  const held = [...counts].filter(([, count]) => count > 0).map(
    ([port, count]) =>
      `${count} ${count === 1 ? "frame" : "frames"} ${from} '${port}'`,
  );
  return held.length === 0
    ? undefined
    : `${who} still holds ${held.join(", ")}: is \`using\` missing?`;
}
