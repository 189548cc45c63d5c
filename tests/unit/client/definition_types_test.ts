/**
 * Definitions of processors: what the types of their functions know, and which lines
 * are errors at compile time. `deno check` is the test, since a line that is marked
 * as wrong must be an error. None of the functions here is called.
 */

import {
  call,
  type Context,
  continuous,
  DataFrame,
  Float32,
  Float64,
  manual,
  type NoPorts,
  reactive,
  type Setting,
  setting,
  UInt32,
  VideoFrame,
} from "../../../client/mod.ts";
import type { HostCalls } from "../../../host/mod.ts";
import { type Same, same } from "../../helpers/same.ts";

const PORTS = {
  inputs: { video: VideoFrame },
  outputs: { video: VideoFrame, data: DataFrame },
} as const;
const SETTINGS = { amount: setting(Float32, { default: 1 }) };
const REPLY = { reply: { amount: Float64 } } as const;

/** A call outside of a definition knows only the signal. */
const waits = call({}, (_, { signal, ...others }) => {
  signal.throwIfAborted();
  // @ts-expect-error it knows no port
  others.output.video;
});

/** An annotated one knows what it needs. */
const sends = call({}, (_, { output }: Context<NoPorts, Outputs>) => {
  output.video.end();
});
type Outputs = { video: typeof VideoFrame };

const needsMore = call(
  REPLY,
  (_, { settings }: Context<NoPorts, NoPorts, More>) => ({
    amount: settings.amount + settings.more,
  }),
);
type More = { amount: Setting<typeof Float32>; more: Setting<typeof Float32> };

function right() {
  return reactive({
    calls: { // before what it knows
      none: call({}, () => {}),
      answers: call(
        { request: { y: UInt32 }, ...REPLY },
        ({ y }, { input, output, settings, signal }) => {
          signal.throwIfAborted();
          input.video.get();
          output.data.end();
          return { amount: y * settings.amount };
        },
      ),
      later: call(REPLY, async (_, { output, settings }) => {
        await output.video.ready;
        return { amount: settings.amount };
      }),
      waits,
      sends,
    },
    ...PORTS,
    settings: SETTINGS,
    process({ settings }) {
      settings.amount.toFixed();
    },
    settingsChanged({ settings }, changed) {
      if (changed.includes("amount")) settings.amount.toFixed();
    },
  });
}

/** What a definition does not have is not needed to know the rest. */
function rightInPart(): void {
  reactive({
    settings: SETTINGS,
    calls: { amount: call(REPLY, (_, { settings }) => settings) },
    process() {},
  });
  continuous({
    calls: { end: call({}, (_, { output }) => output.video.end()) },
    outputs: { video: VideoFrame },
    process: () => {},
  });
  manual({
    inputs: { video: VideoFrame },
    calls: {
      width: call({ reply: { width: UInt32 } }, (_, { input }) => {
        using frame = input.video.get();
        return { width: frame?.width ?? 0 };
      }),
    },
    start(_) {},
  });
  reactive({
    calls: { waits, aborts: call({}, (_, { signal }) => check(signal)) },
    process() {},
  });
  function check(signal: AbortSignal): void {
    signal.throwIfAborted();
  }
}

function asTheHostSeesThem(): void {
  type Types = NonNullable<ReturnType<typeof right>["types"]>;
  type Calls = HostCalls<Types["calls"]>;
  type Reply = Awaited<ReturnType<Calls["answers"]>>;
  same<
    Same<keyof Calls, "none" | "answers" | "later" | "waits" | "sends">
  >();
  same<Same<Parameters<Calls["answers"]>[0], { readonly y: number }>>();
  same<Same<Reply, { readonly amount: number }>>();
}

function wrongInCalls(): void {
  reactive({
    ...PORTS,
    settings: SETTINGS,
    calls: {
      misspelt: call(REPLY, (_, { input, output, settings }) => {
        // @ts-expect-error there is no such output
        output.vidoe;
        // @ts-expect-error there is no such input
        input.nope;
        // @ts-expect-error there is no such setting
        return { amount: settings.amuont as number };
      }),
      // @ts-expect-error the reply has other fields
      other: call(REPLY, () => ({ amuont: 1 })),
      // @ts-expect-error the reply is missing
      nothing: call(REPLY, () => {}),
    },
    process() {},
  });
  continuous({
    ...PORTS,
    calls: {
      misspelt: call({}, (_, { output }) => {
        // @ts-expect-error there is no such output
        output.vidoe;
      }),
    },
    process() {},
  });
  manual({
    ...PORTS,
    calls: {
      misspelt: call({}, (_, { output, settings }) => {
        // @ts-expect-error there is no such output
        output.vidoe;
        // @ts-expect-error there are no settings
        settings.amount;
      }),
    },
    start() {},
  });
}

function wrongCalls(): void {
  reactive({
    inputs: PORTS.inputs,
    settings: SETTINGS,
    calls: {
      waits,
      // @ts-expect-error the processor has no output 'video'
      sends,
      // @ts-expect-error the processor has no setting 'more'
      needsMore,
      // @ts-expect-error it is not made by call()
      function: () => {},
    },
    process() {},
  });
}

function wrongChanges(): void {
  reactive({
    settings: SETTINGS,
    settingsChanged(_, changed) {
      // @ts-expect-error there is no such setting
      changed.includes("amuont");
    },
    process() {},
  });
  manual({
    settingsChanged(_, changed) {
      // @ts-expect-error there are no settings
      changed.includes("amount");
    },
    start() {},
  });
}

Deno.test("the definitions of this file are checked by deno check", () => {
  const checked = [
    right,
    rightInPart,
    asTheHostSeesThem,
    wrongInCalls,
    wrongCalls,
    wrongChanges,
  ];
  for (const one of checked) if (typeof one !== "function") throw one;
});
