/**
 * The probe's processor, in the child process. It inverts each byte: it reads
 * the host's shared memory and writes to shared memory that the host reads.
 *
 * @module
 */

import {
  type Processor,
  reactive,
  transferStats,
} from "../../../client/mod.ts";
import { PROBE_PORT } from "./probe_frame.ts";

const processor: Processor = reactive({
  inputs: { video: PROBE_PORT },
  outputs: { video: PROBE_PORT },
  async process({ input, output }) {
    using frame = input.video.get();
    if (!frame) return;
    await output.video.ready;
    using out = output.video.acquire(frame);
    const from = frame.picture.pixels, to = out.picture.pixels;
    for (let i = 0; i < from.length; i++) to[i] = 255 - from[i]!;
    out.client_copied_bytes = BigInt(transferStats().copied_bytes);
    output.video.send(out);
  },
});

export default processor;
