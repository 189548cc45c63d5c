/**
 * The demo's processor, in the client's process. It finds the edges of every
 * picture: it reads the host's surface and writes a surface that the host reads.
 *
 * @module
 */

import { type Processor, reactive, transferStats } from "../../client/mod.ts";
import { checksum, planesOf } from "../verify/checksum.ts";
import { DEMO_PORT } from "../demo_frame.ts";
import { EdgeDetector } from "./edge_detector.ts";
import { RgbaPictures } from "./rgba_pictures.ts";

let detector:
  | { width: number; height: number; edges: EdgeDetector }
  | undefined;

const pictures = new RgbaPictures();

const processor: Processor = reactive({
  inputs: { video: DEMO_PORT },
  outputs: { video: DEMO_PORT },
  async process({ input, output }) {
    using frame = input.video.get();
    if (!frame) return;
    await output.video.ready;
    const { width, height } = frame.pixel_buffer;
    using out = output.video.acquire({
      ...frame,
      pixel_buffer: { width, height, pixel_format: "rgba8" },
      pixel_format: "rgba8",
      color: null,
    });
    const from = pictures.of(frame.pixel_buffer, frame.color);
    const to = out.pixel_buffer;
    if (detector?.width !== width || detector.height !== height) {
      detector = { width, height, edges: new EdgeDetector(width, height) };
    }
    detector.edges.detect(
      from.pixels,
      from.bytes_per_row,
      to.pixels,
      to.bytes_per_row,
    );
    out.input_checksum = checksum(planesOf(frame.pixel_buffer));
    out.output_checksum = checksum(planesOf(to));
    out.client_copied_bytes = BigInt(transferStats().copied_bytes);
    output.video.send(out);
  },
});

export default processor;
