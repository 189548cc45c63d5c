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
import { PIXEL_FORMATS } from "../../../../proto/schema/surface.ts";
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

Deno.test("a port lists formats, and its frames then have those", () => {
  const made = port(VideoFrame, { formats: ["nv12", "rgba8"] });
  assertEquals(made.formats, ["nv12", "rgba8"]);
  assert(Object.isFrozen(made.formats));
  assertEquals(made.schema as Schema, VideoFrame);
  type Narrow = FrameOf<typeof made>;
  same<Same<Narrow["pixel_format"], "nv12" | "rgba8">>();
  same<Same<Narrow["width"], number>>();
});

Deno.test("formats that a port cannot list are refused", () => {
  const refused = (why: string, make: () => unknown): void =>
    assertRefused(make, "schema_mismatch", why);
  const place = "Cannot use a port of 'VideoFrame': ";
  refused(
    `${place}formats is empty`,
    () => port(VideoFrame, { formats: [] }),
  );
  refused(
    `${place}the format rgba8 is there twice`,
    () => port(VideoFrame, { formats: ["rgba8", "nv12", "rgba8"] }),
  );
  refused(
    `${place}a format is "yuy2", not one of ${
      Object.keys(PIXEL_FORMATS).join(", ")
    }`,
    () => port(VideoFrame, { formats: ["yuy2" as never] }),
  );
  refused(
    "Cannot use a port of 'AudioFrame': it has formats, and its frames have no texture of any format",
    () => port(AudioFrame, { formats: ["rgba8"] }),
  );
});
