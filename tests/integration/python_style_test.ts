/** Processors in Python in the style of upstream's examples: a bare decorator, and functions that take the context. */

import { assert, assertEquals } from "@std/assert";
import { ReactiveHost, VideoFrame } from "../../host/mod.ts";
import { isolatedHome } from "../helpers/home.ts";
import { HOST_NEEDS, permittedTest } from "../helpers/permitted.ts";
import { lacksPython } from "../helpers/python_programs.ts";
import { soon } from "../helpers/soon.ts";

const lacking = await lacksPython();

for (const how of ["sync", "async"]) {
  permittedTest(
    `a class in Python with a bare decorator and ${how} functions that take the context uses the host's ports`,
    { ...HOST_NEEDS, lacking },
    async () => {
      using _ = isolatedHome();
      let output = "";
      const text = new TextDecoder();
      await using host = ReactiveHost.launch({
        module: new URL("../fixtures/python/style.py", import.meta.url),
        env: { HOW: how },
        inputs: { video: VideoFrame },
        outputs: { video: VideoFrame },
        output: (chunk) => void (output += text.decode(chunk)),
      });
      await soon(host.ready, "ready");
      for (let number = 1; number <= 2; number++) {
        using frame = host.input.video.acquire({
          width: 5,
          height: 3,
          pixel_format: "gray8",
        });
        frame.pixel_buffer.pixels.fill(number);
        assert(host.input.video.send(frame));
        using result = await soon(host.output.video.next(), "the result");
        assertEquals(result?.frame_number, BigInt(number));
        assertEquals(
          [...result!.pixel_buffer.rows()].map((row) => [...row]),
          Array(3).fill(Array(5).fill(number)),
        );
      }
      await soon(host.close(), "the close");
      assertEquals(output, "2 frames from video\n");
    },
  );
}
