/** A client, of this version only, that takes only pictures in nv12. */

import { port, reactive, VideoFrame } from "../../../client/mod.ts";
import { PORTS } from "./frames.ts";

export default reactive({
  inputs: {
    ...PORTS,
    video: port(VideoFrame, {
      formats: ["nv12"],
      read_behavior: "read_next_in_order",
      capacity: 3,
    }),
  },
  outputs: PORTS,
  process() {},
});
