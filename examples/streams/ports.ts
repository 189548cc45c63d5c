/** The port that all sides declare. */
import { port, VideoFrame } from "@streamlib/bridge/client";

/** Every picture is read, in order. */
export const PICTURES = port(VideoFrame, {
  read_behavior: "read_next_in_order",
  formats: ["gray8"],
});
