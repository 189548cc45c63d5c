/** Sends the spots that it finds in each picture; a snapshot shows the last picture with them. */
import {
  Bytes,
  call,
  Float32,
  reactive,
  setting,
  UInt32,
} from "@streamlib/bridge/client";
import { findSpots, loadModel, type Spot } from "./find.ts";
import { SPOTS, VIDEO } from "./ports.ts";
import { ppmWithBoxes } from "./snapshot.ts";

let model: Awaited<ReturnType<typeof loadModel>>;
let gray = new Uint8Array(0), width = 0; // the last picture
let spots: Spot[] = [];

export default reactive({
  inputs: { video: VIDEO },
  outputs: { spots: SPOTS },
  settings: {
    threshold: setting(Float32, {
      default: 0.5,
      minimum: 0.01,
      maximum: 1,
      description: "How much brighter than its surroundings a spot must be",
    }),
  },
  calls: {
    snapshot: call(
      { request: { box: UInt32 }, reply: { ppm: Bytes } },
      ({ box }) => ({ ppm: ppmWithBoxes(gray, width, spots, box) }),
    ),
  },
  async setup() {
    model = await loadModel();
  },
  async process({ input, output, settings }) {
    await output.spots.ready;
    using frame = input.video.get();
    if (!frame) return;
    gray = frame.pixel_buffer.copyTo(); // without the padding of its rows
    width = frame.width;
    spots = await findSpots(model, gray, width, settings.threshold);
    const { frame_number } = frame;
    using out = output.spots.acquire({ spots, frame_number });
    output.spots.send(out);
  },
});
