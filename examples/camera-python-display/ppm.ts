/** Writes a picture of the format rgba8 as a PPM file. */
import type { Surface } from "@streamlib/bridge/host";

export function writePpm(path: string, picture: Surface): void {
  const { width, height } = picture;
  const head = new TextEncoder().encode(`P6 ${width} ${height} 255\n`);
  const file = new Uint8Array(head.length + 3 * width * height);
  file.set(head);
  let at = head.length;
  for (const row of picture.rows()) {
    for (let x = 0; x < row.length; x += 4, at += 3) {
      file.set(row.subarray(x, x + 3), at); // red, green, blue
    }
  }
  Deno.writeFileSync(path, file);
}
