/**
 * Launches with the type of a module: which are errors at compile time, and where.
 * `deno check` is the test, since a line that is marked as wrong must be an error.
 * None of the functions here is called.
 */

import {
  AudioFrame,
  ContinuousHost,
  DataFrame,
  ManualHost,
  port,
  ReactiveHost,
  VideoFrame,
} from "../../../host/mod.ts";

type Blur = typeof import("../../fixtures/typed/blur.ts");
type Ticks = typeof import("../../fixtures/typed/ticks.ts");
type AnyPorts = typeof import("../../fixtures/typed/any_ports.ts");
type Untold = typeof import("../../fixtures/typed/untold.ts");
type None = typeof import("../../fixtures/typed/none.ts");

const module = new URL("../../fixtures/typed/blur.ts", import.meta.url);
const VIDEO = { video: VideoFrame };

function right(): void {
  const blur = ReactiveHost.launch<Blur>({
    module,
    inputs: VIDEO,
    outputs: VIDEO,
    restart: "on-failure",
  });
  using frame = blur.input.video.acquire({
    width: 1,
    height: 1,
    pixel_format: "rgba8",
  });
  blur.input.video.send(frame);
  blur.output.video.get()?.pixel_buffer.pixels;
  blur.input.sound?.end();
  ReactiveHost.launch<Blur>({
    module: module.href,
    inputs: {
      video: port(VideoFrame, { formats: ["gray8"], capacity: 2 }),
      sound: port(AudioFrame, { required: false }),
    },
    outputs: { video: port(VideoFrame, { required: false }) },
  });
  ManualHost.launch<Ticks>({ module, outputs: { ticks: DataFrame } }).start();
  ContinuousHost.launch<AnyPorts>({ module, inputs: VIDEO }).input.video!.end();
  ContinuousHost.launch<AnyPorts>({ module });
  ReactiveHost.launch<Untold>({ module, inputs: { data: DataFrame } });
}

function missing(): void {
  // @ts-expect-error outputs are missing
  ReactiveHost.launch<Blur>({ module, inputs: VIDEO });
  ReactiveHost.launch<Blur>({
    module,
    // @ts-expect-error the input 'video' is missing
    inputs: { sound: AudioFrame },
    outputs: VIDEO,
  });
  ReactiveHost.launch<Blur>({
    module,
    inputs: VIDEO,
    // @ts-expect-error the output 'video' is missing
    outputs: {},
  });
}

function wrong(): void {
  ReactiveHost.launch<Blur>({
    module,
    inputs: {
      // @ts-expect-error the port has other frames
      video: AudioFrame,
    },
    outputs: {
      // @ts-expect-error the port has other frames
      video: port(DataFrame),
    },
  });
  ReactiveHost.launch<Blur>({
    module,
    inputs: {
      video: VideoFrame,
      // @ts-expect-error an optional port has its frames too
      sound: VideoFrame,
    },
    outputs: VIDEO,
  });
}

function tooMany(): void {
  ReactiveHost.launch<Blur>({
    module,
    inputs: {
      video: VideoFrame,
      // @ts-expect-error the processor has no such port
      mask: VideoFrame,
    },
    outputs: VIDEO,
  });
  ManualHost.launch<Ticks>({
    module,
    inputs: {
      // @ts-expect-error the processor has no inputs
      video: VideoFrame,
    },
    outputs: { ticks: DataFrame },
  });
}

function otherKind(): void {
  ReactiveHost.launch<Ticks>({
    // @ts-expect-error the module is for a ManualHost
    module,
    outputs: { ticks: DataFrame },
  });
  ManualHost.launch<Blur>({
    // @ts-expect-error the module is for a ReactiveHost
    module,
    inputs: VIDEO,
    outputs: VIDEO,
  });
  // @ts-expect-error the module's default export is no processor
  ReactiveHost.launch<None>({ module });
}

function wrongOption(): void {
  ReactiveHost.launch<Blur>({
    module,
    inputs: VIDEO,
    outputs: VIDEO,
    // @ts-expect-error there is no such policy
    restart: "always",
  });
  ReactiveHost.launch({
    module,
    inputs: VIDEO,
    // @ts-expect-error there is no such policy, and it is told as without the other form
    restart: "always",
  });
}

function used(): void {
  const blur = ReactiveHost.launch<Blur>({
    module,
    inputs: VIDEO,
    outputs: VIDEO,
  });
  // @ts-expect-error the host has no such port
  blur.input.mask;
  // @ts-expect-error the port may be absent
  blur.input.sound.end();
  // @ts-expect-error only a manual host is started
  blur.start();
  using frame = blur.input.video.acquire({
    width: 1,
    height: 1,
    // @ts-expect-error the module takes other formats
    pixel_format: "gray16",
  });
  blur.input.video.send(frame);
}

Deno.test("the launches of this file are checked by deno check", () => {
  const checked = [
    right,
    missing,
    wrong,
    tooMany,
    otherKind,
    wrongOption,
    used,
  ];
  for (const one of checked) if (typeof one !== "function") throw one;
});
