/** A client that sends two pictures for each one that it gets: one that is not as wide as it says, and a right one. */

import { reactive } from "../../../client/mod.ts";
import { paint, pictureOf, PORTS, timeOf } from "./frames.ts";

export default reactive({
  inputs: PORTS,
  outputs: PORTS,
  async process({ input, output }) {
    let number: number;
    {
      using frame = input.video.get();
      if (!frame) return;
      number = Number(frame.frame_number);
    }
    const picture = pictureOf(number);
    for (const width of [1920, picture.width]) {
      await output.video.ready;
      using out = output.video.acquire({
        ...picture,
        width,
        pixel_buffer: picture,
        timestamp_ns: timeOf(number),
        frame_number: BigInt(number),
      });
      paint(out.pixel_buffer.pixels, number, "client");
      if (!output.video.send(out)) throw new Error("a picture was dropped");
    }
  },
});
