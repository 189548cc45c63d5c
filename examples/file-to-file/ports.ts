/** The port that both sides declare. */
import { port, VideoFrame } from "@streamlib/bridge/client";

/** Every picture is read, in order. The client holds 8 of them, so there is room for more. */
export const VIDEO = port(VideoFrame, {
  read_behavior: "read_next_in_order",
  capacity: 12,
  formats: ["rgba8"],
});
