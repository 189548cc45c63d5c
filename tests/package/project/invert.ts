import { reactive, VideoFrame } from "@streamlib/bridge/client";

export default reactive({
  inputs: { video: VideoFrame },
  outputs: { video: VideoFrame },
  process({ input, output }) {
    using frame = input.video.get();
    if (!frame) return;
    using out = output.video.acquire(frame);
    const from = frame.pixel_buffer.pixels, to = out.pixel_buffer.pixels;
    for (let i = 0; i < from.length; i++) to[i] = 255 - from[i]!;
    output.video.send(out);
  },
});
