/** The ports that both sides declare. */
import { port, VideoFrame } from "@streamlib/bridge/client";

/** Every picture is read, in order. */
export const COLOR = port(VideoFrame, {
  read_behavior: "read_next_in_order",
  formats: ["rgba8"],
});

/** One color of it, as a gray picture. */
export const PLANE = port(VideoFrame, {
  read_behavior: "read_next_in_order",
  formats: ["gray8"],
});
