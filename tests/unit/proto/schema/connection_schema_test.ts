import { assert, assertEquals } from "@std/assert";
import {
  connectionSchema,
  MAX_PORTS,
} from "../../../../proto/schema/connection_schema.ts";
import { DataFrame } from "../../../../proto/schema/frames/data_frame.ts";
import { port } from "../../../../proto/schema/port.ts";
import { VideoFrame } from "../../../../proto/schema/frames/video_frame.ts";
import { assertRefused } from "../../../helpers/refused.ts";

Deno.test("a bare schema is a port with its schema's defaults", () => {
  const own = port(VideoFrame, { capacity: 2 });
  const connection = connectionSchema({
    inputs: { video: VideoFrame },
    outputs: { video: own, data: DataFrame },
  });
  assertEquals(connection.inputs, { video: port(VideoFrame) });
  assertEquals(connection.outputs, { video: own, data: port(DataFrame) });
  assertEquals(connection.outputs.video.schema.name, "VideoFrame");
  assert(Object.isFrozen(connection) && Object.isFrozen(connection.inputs));
});

Deno.test("a generator has no inputs, a sink no outputs", () => {
  const generator = connectionSchema({ outputs: { video: VideoFrame } });
  assertEquals(Object.keys(generator.inputs), []);
  // @ts-expect-error this input does not exist
  assertEquals(generator.inputs.video, undefined);
  const sink = connectionSchema({ inputs: { video: VideoFrame } });
  assertEquals(Object.keys(sink.outputs), []);
});

Deno.test("what is neither a schema nor a port is refused", () => {
  const wrong = {
    "5": 5,
    null: null,
    undefined: undefined,
    "an object": { schema: 1 },
    '"VideoFrame"': "VideoFrame",
  };
  for (const [shown, one] of Object.entries(wrong)) {
    assertRefused(
      () => connectionSchema({ outputs: { video: one as never } }),
      "bad_argument",
      `Cannot use the output 'video': it is ${shown}, neither a schema nor a port; write VideoFrame, or port(VideoFrame)`,
    );
  }
});

Deno.test("names and number of ports are bounded", () => {
  const refused = (run: () => unknown, why: string): void =>
    assertRefused(
      run,
      "schema_mismatch",
      `Cannot use the connection's schema: ${why}`,
    );
  refused(
    () => connectionSchema({ inputs: { "my video": VideoFrame } }),
    `the input's name "my video" is not a letter or '_' followed by letters, digits and '_'`,
  );
  refused(
    () => connectionSchema({ outputs: { constructor: VideoFrame } }),
    `the output's name "constructor" is a name that every object has`,
  );
  const ports = (count: number): Record<string, typeof DataFrame> =>
    Object.fromEntries(
      Array.from({ length: count }, (_, i) => [`p${i}`, DataFrame]),
    );
  connectionSchema({ inputs: ports(MAX_PORTS), outputs: ports(MAX_PORTS) });
  refused(
    () => connectionSchema({ outputs: ports(MAX_PORTS + 1) }),
    "it has 65 outputs; at most 64 are allowed",
  );
});
