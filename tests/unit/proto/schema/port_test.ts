import { assert, assertEquals } from "@std/assert";
import { AudioFrame } from "../../../../proto/schema/frames/audio_frame.ts";
import {
  type FrameOf,
  type Port,
  port,
  type PortsOf,
  type SchemaOf,
} from "../../../../proto/schema/port.ts";
import type {
  Frame,
  ReadBehavior,
  Schema,
} from "../../../../proto/schema/field_type.ts";
import { VideoFrame } from "../../../../proto/schema/frames/video_frame.ts";
import { assertRefused } from "../../../helpers/refused.ts";
import { type Same, same } from "../../../helpers/same.ts";

Deno.test("a port takes its defaults from its schema", () => {
  assertEquals(port(AudioFrame), {
    schema: AudioFrame,
    description: "",
    required: true,
    read_behavior: "read_next_in_order",
    capacity: 32,
  });
});

Deno.test("a port differs from its schema where it says so", () => {
  const made = port(VideoFrame, {
    description: "The camera",
    required: false,
    read_behavior: "read_next_in_order",
    capacity: 1,
  });
  assertEquals(made, {
    schema: VideoFrame,
    description: "The camera",
    required: false,
    read_behavior: "read_next_in_order",
    given_read_behavior: "read_next_in_order",
    capacity: 1,
  });
  assert(Object.isFrozen(made));
});

Deno.test("a port out of bounds is refused", () => {
  const refused = (options: Parameters<typeof port>[1], why: string): void =>
    assertRefused(
      () => port(VideoFrame, options),
      "schema_mismatch",
      `Cannot use a port of 'VideoFrame': ${why}`,
    );
  refused({ capacity: 0 }, "capacity is 0, not an integer from 1 to 65536");
  refused(
    { capacity: 65_537 },
    "capacity is 65537, not an integer from 1 to 65536",
  );
  refused(
    { read_behavior: "newest" as ReadBehavior },
    `read_behavior is "newest", not one of skip_to_latest, read_next_in_order`,
  );
  refused(
    { description: "\ud800" },
    String.raw`description is "\ud800", which has a lone surrogate`,
  );
});

Deno.test("the types of ports follow from the map", () => {
  const map = { video: VideoFrame, sound: port(AudioFrame, { capacity: 64 }) };
  same<Same<SchemaOf<typeof map.video>, typeof VideoFrame>>();
  same<Same<SchemaOf<typeof map.sound>, typeof AudioFrame>>();
  same<Same<FrameOf<typeof map.sound>, Frame<typeof AudioFrame>>>();
  same<
    Same<PortsOf<typeof map>, {
      readonly video: Port<typeof VideoFrame>;
      readonly sound: Port<typeof AudioFrame>;
    }>
  >();
  // The types that a host or a client gets.
  type Inputs = { [K in keyof typeof map]: FrameOf<(typeof map)[K]> };
  same<Same<Inputs["video"]["width"], number>>();
  same<Same<Inputs["sound"]["samples"], Float32Array>>();
  same<Same<FrameOf<Schema>, Frame<Schema>>>();
});
