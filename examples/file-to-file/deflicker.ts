/** Removes flicker: gives each picture the mean brightness of itself and the 8 pictures after it. */
import {
  type FrameSender,
  reactive,
  type ReceivedFrame,
  type Surface,
  type VideoFrame,
} from "@streamlib/bridge/client";
import { VIDEO } from "./ports.ts";

const AHEAD = 8;

/** The pictures that wait for those after them. They are leases: nothing is copied. */
const held: ReceivedFrame<typeof VideoFrame>[] = [];
/** The brightness of the newest pictures: of those that are held, in their order, at the end. */
const levels: number[] = [];

export default reactive({
  inputs: { video: VIDEO },
  outputs: { video: VIDEO },
  async process({ input, output }) {
    const frame = input.video.get(); // without `using`: it is disposed in send()
    if (!frame) return;
    held.push(frame);
    levels.push(brightness(frame.pixel_buffer));
    if (levels.length > AHEAD + 1) levels.shift();
    if (held.length > AHEAD) await send(output.video);
  },
  async flush({ output }) {
    while (held.length > 0) await send(output.video);
  },
});

async function send(output: FrameSender<typeof VideoFrame>): Promise<void> {
  await output.ready;
  using frame = held.shift()!;
  using out = output.acquire(frame); // the same size, time and number
  const mean = levels.reduce((sum, level) => sum + level) / levels.length;
  const gain = mean / brightness(frame.pixel_buffer);
  const table = Uint8ClampedArray.from({ length: 256 }, (_, v) => v * gain);
  const from = frame.pixel_buffer.pixels, to = out.pixel_buffer.pixels;
  for (let i = 0; i < from.length; i++) to[i] = table[from[i]!]!;
  output.send(out);
}

/** The mean of red, green and blue, at every 16th pixel. */
function brightness(picture: Surface): number {
  let sum = 1, count = 3; // not 0, also for a black picture
  for (const row of picture.rows()) {
    for (let x = 0; x < row.length; x += 64, count += 3) {
      sum += row[x]! + row[x + 1]! + row[x + 2]!;
    }
  }
  return sum / count;
}
