import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { BridgeError } from "../../../../proto/errors.ts";
import { connectionSchema } from "../../../../proto/schema/connection_schema.ts";
import {
  Enum,
  Extended,
  field,
  Int32,
  Optional,
  type Schema,
  Texture,
} from "../../../../proto/schema/field_type.ts";
import { VideoFrame } from "../../../../proto/schema/frames/video_frame.ts";
import {
  parseSchema,
  schemaToJson,
} from "../../../../proto/schema/json/schema_json.ts";
import {
  marksIn,
  withMarks,
} from "../../../../proto/schema/marks/field_marks.ts";
import { Mirror } from "../../../../proto/schema/marks/mark.ts";
import { type Port, port } from "../../../../proto/schema/port.ts";
import {
  agreedFormat,
  agreePorts,
  type PortSide,
  type PortTerms,
} from "../../../../proto/schema/port_agreement.ts";
import { schema } from "../../../../proto/schema/schema.ts";
import type { PixelFormat } from "../../../../proto/schema/surface.ts";
import { FEATURES, NO_FEATURES } from "../../../../proto/wire/features.ts";
import {
  parsePortsMessage,
  portsMessage,
} from "../../../../proto/wire/port_terms.ts";
import {
  hostsWords,
  parseHostsWords,
  parseWords,
  portWords,
} from "../../../../proto/wire/port_words.ts";
import { uint64 } from "../../../../proto/wire/xpc_value.ts";

const ALL: ReadonlySet<(typeof FEATURES)[number]> = new Set(FEATURES);

const ports = (one: Schema | Port) =>
  connectionSchema({ inputs: { a: one } }).inputs;

/** What a module without declared ports has: the base form, and the marks that the host says. */
const base = (schema: Schema): Schema =>
  withMarks(parseSchema(schemaToJson(schema)), marksIn(schema.fields));

/** Plays the handshake. Returns what each side then has, or the refusal. A side of an earlier version is not asked. */
function agree(
  side: PortSide,
  host: Schema | Port,
  module: Schema | Port,
  { old }: { readonly old?: "host" | "module" } = {},
): { host?: PortTerms; module?: PortTerms } | BridgeError {
  const features = old ? NO_FEATURES : ALL;
  const [hosts, modules] = [ports(host), ports(module)];
  const seen = ports(port(base(hosts.a.schema)));
  let terms: ReadonlyMap<string, PortTerms> = new Map();
  if (old !== "module") {
    try {
      terms = agreePorts(side, seen, modules, {
        ports: parseHostsWords(hostsWords(hosts, features), features),
        agreesOnFormats: features.has("formats"),
      }).terms;
    } catch (error) {
      assert(error instanceof BridgeError);
      return error;
    }
  } else terms = new Map([["a", hosts.a]]);
  if (old === "host") return { module: terms.get("a")! };
  const started = portsMessage(terms, modules, features);
  const heard = parsePortsMessage(side, hosts, started, features);
  if (heard instanceof BridgeError) return heard;
  const found = heard.get("a")!;
  return old ? { host: found } : { host: found, module: terms.get("a")! };
}

const of = (...formats: PixelFormat[]): Port =>
  port(VideoFrame, { formats }) as unknown as Port;

const NONE = VideoFrame;
const YUV = of("nv12", "rgba8");
const RGB = of("rgba8", "nv12");
const GRAY = of("gray8");
const P010 = of("p010");

const REFUSED = "refused";

/** Producer, consumer, and the formats that frames can have: with both sides of this version, with an old producer, with an old consumer. */
const TABLE: readonly (readonly [
  string,
  Schema | Port,
  Schema | Port,
  ...(readonly PixelFormat[] | undefined | typeof REFUSED)[],
])[] = [
  ["nothing, nothing", NONE, NONE, undefined, undefined, undefined],
  ["nothing, nv12 rgba8", NONE, YUV, ["nv12"], ["rgba8"], undefined],
  ["nothing, rgba8 nv12", NONE, RGB, ["rgba8"], ["rgba8"], undefined],
  ["nv12 rgba8, nothing", YUV, NONE, ["nv12"], undefined, ["rgba8"]],
  ["nv12 rgba8, nv12 rgba8", YUV, YUV, ["nv12"], ["rgba8"], ["rgba8"]],
  ["nv12 rgba8, rgba8 nv12", YUV, RGB, ["rgba8"], ["rgba8"], ["rgba8"]],
  ["rgba8 nv12, nv12 rgba8", RGB, YUV, ["nv12"], ["rgba8"], ["rgba8"]],
  ["rgba8 nv12, gray8", RGB, GRAY, REFUSED, ["gray8"], ["rgba8"]],
  ["gray8, nv12 rgba8", GRAY, YUV, REFUSED, ["rgba8"], ["gray8"]],
  ["p010, p010", P010, P010, ["p010"], REFUSED, REFUSED],
  ["p010, nothing", P010, NONE, ["p010"], undefined, REFUSED],
  ["nothing, p010", NONE, P010, ["p010"], REFUSED, undefined],
  [
    "nothing, bgra8 nv12 rgba8",
    NONE,
    of("bgra8", "nv12", "rgba8"),
    ["bgra8"],
    ["bgra8", "rgba8"],
    undefined,
  ],
];

for (const side of ["input", "output"] as const) {
  for (const [what, producer, consumer, both, oldP, oldC] of TABLE) {
    Deno.test(`formats: ${side}, producer and consumer list ${what}`, () => {
      const [host, module] = side === "input"
        ? [producer, consumer]
        : [consumer, producer];
      const [producing, consuming] = side === "input"
        ? ["host", "module"] as const
        : ["module", "host"] as const;
      const found = (old?: "host" | "module") => {
        const terms = agree(side, host, module, old && { old });
        if (terms instanceof BridgeError) {
          assertEquals(terms.code, "schema_mismatch");
          assertStringIncludes(terms.message, `The ${side} 'a' differs`);
          return REFUSED;
        }
        const sides = Object.values(terms).map((side) => side.agreed_formats);
        for (const side of sides) assertEquals(side, sides[0]);
        return sides[0];
      };
      assertEquals(found(), both, "both sides agree");
      // What an old side lists does not matter: it has said nothing.
      assertEquals(found(producing), oldP, "an old producer");
      assertEquals(found(consuming), oldC, "an old consumer");
    });
  }
}

Deno.test("formats: the refusal names both lists, the port and what to do", () => {
  const refusal = (
    side: PortSide,
    old?: "host" | "module",
  ): string | undefined => {
    const found = agree(side, of("nv12"), RGB_ONLY, old && { old });
    return found instanceof BridgeError ? found.message : undefined;
  };
  const RGB_ONLY = of("rgba8", "bgra8");
  const advice = "give them a pixel format that is in both lists, and that";
  assertEquals(
    refusal("input"),
    `The input 'a' differs: the host sends nv12, the module takes rgba8, bgra8; ${advice} VideoFrame 1.1 has`,
  );
  assertEquals(
    refusal("output"),
    `The output 'a' differs: the module sends rgba8, bgra8, the host takes nv12; ${advice} VideoFrame 1.1 has`,
  );
  assertEquals(
    refusal("input", "module"),
    `The input 'a' differs: the host sends nv12, the module takes any of bgra8, rgba8, rgba16f, gray8; ${advice} VideoFrame 1.0 has`,
  );
});

Deno.test("formats: a module without declared ports has the formats of the base form", () => {
  assertEquals(
    agree("input", YUV, base(VideoFrame)),
    {
      host: {
        read_behavior: "skip_to_latest",
        capacity: 4,
        minor: 0,
        agreed_formats: ["rgba8"],
      },
      module: {
        read_behavior: "skip_to_latest",
        capacity: 4,
        schema: base(VideoFrame),
        minor: 0,
        agreed_formats: ["rgba8"],
      },
    },
  );
});

Deno.test("formats: a schema whose format no field mirrors can have each format", () => {
  const Open = schema({
    name: "Open",
    version: { major: 1, minor: 0, patch: 0 },
    fields: { t: Texture("any") },
  });
  const p010 = port(Open, { formats: ["p010", "gray8"] });
  const now = agree("input", Open, p010);
  assert(!(now instanceof BridgeError));
  assertEquals(agreedFormat(now.host!), "p010");
  const then = agree("input", Open, p010, { old: "host" });
  assert(!(then instanceof BridgeError));
  assertEquals(agreedFormat(then.module!), "gray8");
});

Deno.test("minors: the smaller one holds on both sides; an old side has the base form", () => {
  const grown = (minor: number): Schema =>
    schema({
      name: "S",
      version: { major: 1, minor, patch: 0 },
      fields: {
        n: Int32,
        ...(minor >= 4 && { a: field(Optional(Int32), "", { since: 4 }) }),
        ...(minor >= 5 && { b: field(Optional(Int32), "", { since: 5 }) }),
      },
    });
  const minors = (
    host: number,
    module: number,
    old?: "host" | "module",
  ): (number | undefined)[] => {
    const found = agree("input", grown(host), grown(module), old && { old });
    assert(!(found instanceof BridgeError));
    return Object.values(found).map(({ minor }) => minor);
  };
  assertEquals(minors(5, 5), [5, 5]);
  assertEquals(minors(5, 4), [4, 4]);
  assertEquals(minors(4, 5), [4, 4]);
  assertEquals(minors(3, 5), [3, 3]);
  assertEquals(minors(5, 3), [3, 3]);
  assertEquals(minors(5, 5, "host"), [3]);
  assertEquals(minors(5, 5, "module"), [3]);
});

Deno.test("what a peer says is read only if its feature is used, and never trusted", () => {
  const said = {
    minor: uint64(2n ** 63n),
    formats: ["rgba8", 7n as never, "no such format", "x".repeat(5_000)],
    marks: { width: "t.width", height: uint64(1) },
  };
  assertEquals(parseWords(said, NO_FEATURES), {});
  assertEquals(parseWords(said, ALL), {
    minor: 2 ** 63,
    formats: ["rgba8", "no such format"],
    marks: { width: "t.width" },
  });
  assertEquals(
    parseWords({ minor: "1", formats: "rgba8", marks: uint64(1) }, ALL),
    {},
  );
  const many = Array.from({ length: 10_000 }, () => "rgba8");
  assertEquals(parseWords({ formats: many }, ALL).formats?.length, 32);
  assertEquals(
    [...parseHostsWords({ a: "b", c: { minor: uint64(3) } }, ALL)],
    [["c", { minor: 3 }]],
  );
  assertEquals(parseHostsWords(undefined, ALL).size, 0);
});

Deno.test("a port says its minor version and its formats; the host says its marks too", () => {
  assertEquals(portWords(YUV, ALL), {
    minor: uint64(1),
    formats: ["nv12", "rgba8"],
  });
  assertEquals(portWords(port(VideoFrame), NO_FEATURES), {});
  assertEquals(hostsWords(ports(VideoFrame), ALL)["a"], {
    minor: uint64(1),
    marks: {
      pixel_format: "pixel_buffer.pixel_format",
      width: "pixel_buffer.width",
      height: "pixel_buffer.height",
      timestamp_ns: "clock",
      frame_number: "count",
    },
  });
});

Deno.test("formats: those that an earlier minor version does not have cannot be agreed on with it", () => {
  const Grown = schema({
    name: "Grown",
    version: { major: 1, minor: 1, patch: 0 },
    fields: {
      t: Texture("any"),
      f: Mirror(Extended(Enum("gray8"), 1, "nv12"), "t.pixel_format"),
    },
  });
  const lists = (one: Schema): Port =>
    port(one, { formats: ["nv12", "gray8"] }) as Port;
  const formats = (module: Schema) => {
    const found = agree("output", lists(Grown), lists(module));
    return found instanceof BridgeError ? found : found.host?.agreed_formats;
  };
  assertEquals(formats(Grown), ["nv12"]);
  assertEquals(formats(base(Grown)), ["gray8"]);
});

Deno.test("formats: without lists, only those of the first version are sent to or by a peer that knows no others", () => {
  const first = ["bgra8", "rgba8", "rgba16f", "gray8"] as const;
  const Any = schema({
    name: "Any",
    version: { major: 1, minor: 0, patch: 0 },
    fields: { t: Optional(Texture("any")) },
  });
  const Fixed = schema({ ...Any, fields: { t: Texture("gray16") } });
  for (const side of ["input", "output"] as const) {
    const terms = (one: Schema, old?: "host" | "module") => {
      const found = agree(side, one, one, old ? { old } : {});
      assert(!(found instanceof BridgeError));
      const { host, module } = found;
      return [host?.agreed_formats, module?.agreed_formats];
    };
    assertEquals(terms(Any), [undefined, undefined]);
    assertEquals(terms(Any, "module")[0], first);
    assertEquals(terms(Any, "host")[1], first);
    assertEquals(terms(Fixed, "module")[0], undefined);
  }
});
