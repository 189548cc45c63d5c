/** The pictures of a camera, read by ffmpeg; without a camera they are drawn. */
import type { Surface } from "@streamlib/bridge/host";

export const SIZE = { width: 640, height: 360, pixel_format: "rgba8" } as const;
const DRAWN_MS = 1000 / 30;

/** Fills a surface with a picture. */
type Fill = (surface: Surface) => void;

/** Gives pictures until `stop`. `camera`: ffmpeg's words for it, such as `-f v4l2 -i /dev/video0`. */
export async function* cameraPictures(
  camera: readonly string[],
  stop: AbortSignal,
): AsyncGenerator<Fill> {
  if (camera.length === 0) {
    for (let n = 0; !stop.aborted; n++) {
      yield (surface) => draw(surface, n);
      await new Promise((resolve) => setTimeout(resolve, DRAWN_MS));
    }
    return;
  }
  const { width, height } = SIZE;
  const scaled = ["-vf", `scale=${width}:${height}`];
  const raw = ["-pix_fmt", "rgba", "-f", "rawvideo", "-"];
  await using ffmpeg = new Deno.Command("ffmpeg", {
    args: ["-loglevel", "error", "-nostdin", ...camera, ...scaled, ...raw],
    stdin: "null",
    stdout: "piped",
    signal: stop,
  }).spawn();
  const reader = ffmpeg.stdout.getReader({ mode: "byob" });
  await using _ = { [Symbol.asyncDispose]: () => reader.cancel() }; // frees a blocked ffmpeg
  let bytes = new Uint8Array(4 * width * height);
  while (true) {
    const { value, done } = await reader.read(bytes, { min: bytes.length });
    if (done && stop.aborted) return;
    if (done) throw new Error("the camera has ended");
    bytes = value;
    if (!stop.aborted) yield (surface) => surface.copyFrom(bytes);
  }
}

/** Draws a ball that flies over hills again and again, as picture number `n`. */
function draw(surface: Surface, n: number): void {
  const at = (n + 22) % 148 - 22; // the ball is hidden at -22, and again at 126
  const [ballX, ballY] = [5 * at + 60, 80 + (at - 50) ** 2 / 25];
  let y = 0;
  for (const row of surface.rows()) {
    for (let x = 0; x < SIZE.width; x++) {
      const isBall = (x - ballX) ** 2 + (y - ballY) ** 2 < 50 ** 2;
      const isHill = y > SIZE.height - 90 - 40 * Math.sin(x / 50);
      row[4 * x] = isBall ? 230 : isHill ? 40 : 90;
      row[4 * x + 1] = isBall ? 90 : isHill ? 120 + y / 4 : 150;
      row[4 * x + 2] = isBall ? 20 : isHill ? 50 : 255 - y / 4;
      row[4 * x + 3] = 255;
    }
    y++;
  }
}
