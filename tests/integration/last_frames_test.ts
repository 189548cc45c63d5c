import { assert } from "@std/assert";
import { ReactiveHost } from "../../host/mod.ts";
import { EVERY_FRAME } from "../fixtures/ports.ts";
import { isolatedHome } from "../helpers/home.ts";
import { leavesNothing } from "../helpers/leaks.ts";
import { HOST_NEEDS, permittedTest } from "../helpers/permitted.ts";
import { soon, until } from "../helpers/soon.ts";

permittedTest(
  "a client that has failed reads what it holds until its process has ended: the host does not fill that memory before",
  HOST_NEEDS,
  async () => {
    using home = isolatedHome();
    await leavesNothing(home.runDirectory, async () => {
      let written = "";
      await using host = ReactiveHost.launch({
        module: new URL("../fixtures/keeps_and_throws.ts", import.meta.url),
        inputs: { video: EVERY_FRAME },
        restart: "on-failure",
        output: (chunk) => written += new TextDecoder().decode(chunk),
        onRestart: () => {
          for (let i = 0; i < EVERY_FRAME.capacity; i++) fill(9);
        },
      });
      const fill = (value: number): void => {
        const size = { width: 5, height: 3, pixel_format: "rgba8" } as const;
        const frame = host.input.video.acquire(size);
        frame.pixel_buffer.pixels.fill(value);
        host.input.video.send(frame);
      };
      for (const value of [1, 2]) {
        await soon(host.input.video.ready, "room");
        fill(value);
      }
      await until(
        "what the client has seen",
        () => written.includes("shown: "),
      );
      assert(/shown: 1\.\n/.test(written), written);
    });
  },
);
