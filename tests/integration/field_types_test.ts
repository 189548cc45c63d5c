import {
  assert,
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { BridgeError, ReactiveHost } from "../../host/mod.ts";
import * as types from "../../proto/schema/field_type.ts";
import { port } from "../../proto/schema/port.ts";
import type { Schema } from "../../proto/schema/field_type.ts";
import { schema } from "../../proto/schema/schema.ts";
import { EVERYTHING, Everything } from "../fixtures/everything.ts";
import { testClient } from "../helpers/client_module.ts";
import {
  type Content,
  fill,
  frameOf,
  plain,
} from "../helpers/arbitrary_frames.ts";
import { BEYOND, GOOD } from "../helpers/beyond_limits.ts";
import { isolatedHome } from "../helpers/home.ts";
import { leavesNothing } from "../helpers/leaks.ts";
import { HOST_NEEDS, permittedTest } from "../helpers/permitted.ts";
import { soon } from "../helpers/soon.ts";

const RUNS = 150;
/** The same frames in every run of the tests. */
const SEED = 20_260_101;

type AnyPort = { all: typeof EVERYTHING };

/** A host whose client sends every frame back. */
class Echo implements AsyncDisposable {
  readonly host: ReactiveHost<AnyPort, AnyPort>;
  readonly warnings: string[] = [];
  #number = 0;

  constructor(all: typeof EVERYTHING = EVERYTHING) {
    this.host = ReactiveHost.launch<AnyPort, AnyPort>({
      ...testClient("echo.ts"),
      inputs: { all },
      outputs: { all },
      output: () => {},
      warn: (text) => void this.warnings.push(text),
    });
  }

  /** Sends a frame. Throws what `acquire` and `send` throw. */
  async send(content: Content): Promise<void> {
    const { all } = this.host.input;
    await soon(all.ready, "room");
    using frame = all.acquire(content as never);
    fill(frame, content);
    assert(all.send(frame));
  }

  /** Sends a frame and returns the one that comes back. Skips others: an earlier run may have failed halfway. */
  async roundTrip(content: Content): Promise<unknown> {
    const number = ++this.#number;
    await this.send({ ...content, number });
    return await soon(this.#received(number), `frame ${number}`);
  }

  async #received(number: number): Promise<unknown> {
    for await (using frame of this.host.output.all) {
      if (frame["number"] === number) {
        return { ...plain(frame) as Content, number: 0 };
      }
    }
    throw await this.host.ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return soon(this.host.close(), "the host's end");
  }
}

/** Returns the kinds of all types in `fields`, at any depth. */
function kindsOf(fields: types.Fields, found = new Set<string>()): Set<string> {
  const look = (type: types.FieldType): void => {
    found.add(type.kind);
    if (type.kind === "Array") look(type.element);
    else if (type.kind === "Optional") look(type.inner);
    else if (type.kind === "Struct") kindsOf(type.fields, found);
    else if (type.kind === "SchemaRef") kindsOf(type.schema.fields, found);
  };
  for (const { type } of Object.values(fields)) look(type);
  return found;
}

Deno.test("the schema of these tests has every type that there is", () => {
  const kinds: Record<types.FieldType["kind"], true> = {
    Int32: true,
    Int64: true,
    UInt32: true,
    UInt64: true,
    Float32: true,
    Float64: true,
    Bool: true,
    String: true,
    Bytes: true,
    Texture: true,
    Buffer: true,
    Array: true,
    Optional: true,
    Enum: true,
    SchemaRef: true,
    Struct: true,
  };
  assertEquals(kindsOf(Everything.fields), new Set(Object.keys(kinds)));
});

permittedTest(
  `${RUNS} arbitrary frames of every type go to another process and back, and nothing is left`,
  HOST_NEEDS,
  async () => {
    const { default: fc } = await import("fast-check");
    using home = isolatedHome();
    await leavesNothing(home.runDirectory, async () => {
      await using echo = new Echo();
      await soon(echo.host.ready, "ready");
      await fc.assert(
        fc.asyncProperty(frameOf(fc, Everything), async (content) => {
          const back = await soon(echo.roundTrip(content), "the frame");
          assertEquals(back, plain({ ...content, number: 0 }));
        }),
        { numRuns: RUNS, seed: SEED },
      );
      const { sent, received, misfits, dropped } = echo.host.stats;
      assertEquals([sent, received, misfits, dropped], [RUNS, RUNS, 0, 0]);
      assertEquals(echo.warnings, []);
    });
  },
);

permittedTest(
  `values beyond their type's limits name schema, field and value, and nothing crosses: ${BEYOND.length} of them`,
  HOST_NEEDS,
  async () => {
    const { default: fc } = await import("fast-check");
    using home = isolatedHome();
    await leavesNothing(home.runDirectory, async () => {
      await using echo = new Echo();
      await soon(echo.host.ready, "ready");
      const refused = async (content: Content, said: string): Promise<void> => {
        const path = said.startsWith("expected")
          ? ": "
          : said.startsWith("needs")
          ? " "
          : ".";
        const error = await echo.send(content).then(
          () => undefined,
          (error) => error as BridgeError,
        );
        assert(error instanceof BridgeError, `it was sent: ${said}`);
        assertEquals(error.code, "schema_mismatch");
        assertEquals(
          error.message.replace(/^Cannot [^:]+: /, ""),
          `Everything${path}${said}`,
        );
      };
      for (const [fields, said] of BEYOND) {
        await refused({ ...GOOD, ...fields }, said);
      }
      const { int32: _, ...lacking } = GOOD;
      await refused(lacking, "needs int32, which the template does not have");
      // A frame that fits, with one change that makes it not fit.
      await fc.assert(
        fc.asyncProperty(
          frameOf(fc, Everything),
          fc.constantFrom(...BEYOND),
          (good, [fields, said]) => refused({ ...good, ...fields }, said),
        ),
        { numRuns: RUNS, seed: SEED },
      );
      assertEquals(echo.host.stats.sent, 0);
      // No memory was lost.
      for (let n = 0; n < 4; n++) {
        const back = await soon(echo.roundTrip(GOOD), "a good frame");
        assertEquals(back, plain(GOOD));
      }
      const { sent, received, misfits } = echo.host.stats;
      assertEquals([sent, received, misfits], [4, 4, 0]);
      assertEquals(echo.warnings, []);
    });
  },
);

permittedTest(
  "a frame that is too large for a message is refused with its size, and the next one goes",
  HOST_NEEDS,
  async () => {
    using _ = isolatedHome();
    await using echo = new Echo();
    await soon(echo.host.ready, "ready");
    const large = { ...GOOD, bytes: new Uint8Array(1 << 20) };
    for (let n = 0; n < 5; n++) {
      const error = await echo.send(large).then(() => undefined, (e) => e);
      assert(error instanceof BridgeError, "it was sent");
      assertEquals(error.code, "bad_argument");
      assertStringIncludes(error.message, "over 1 MiB");
    }
    const most = { ...GOOD, bytes: new Uint8Array(1_000_000).fill(3) };
    assertEquals(await soon(echo.roundTrip(most), "it"), plain(most));
  },
);

/** Returns a schema with `count` fields, which have all types in turn. */
function wide(count: number): Schema {
  const kinds = [
    types.Int32,
    types.String,
    types.Optional(types.UInt64),
    types.Array(types.Float32),
    types.Enum("a", "b"),
    types.Bool,
    types.Texture("gray8"),
    types.Buffer(types.Int32),
  ];
  const fields = Array.from({ length: count - 1 }, (_, i) =>
    [
      `f${i}`,
      kinds[i % kinds.length]!,
    ] as const);
  return schema({
    name: "Wide",
    version: { major: 1, minor: 0, patch: 0 },
    fields: { number: types.UInt32, ...Object.fromEntries(fields) },
  });
}

permittedTest(
  "a schema of 256 fields works between two processes; one of 257 is refused",
  HOST_NEEDS,
  async () => {
    const { default: fc } = await import("fast-check");
    const error = assertThrows(() => wide(257), BridgeError, "257 fields");
    assertEquals(error.code, "schema_mismatch");
    using _ = isolatedHome();
    const Wide = wide(256);
    await using echo = new Echo(
      port(Wide, { read_behavior: "read_next_in_order", capacity: 2 }),
    );
    await soon(echo.host.ready, "ready");
    await fc.assert(
      fc.asyncProperty(frameOf(fc, Wide), async (content) => {
        const back = await soon(echo.roundTrip(content), "the frame");
        assertEquals(back, plain({ ...content, number: 0 }));
      }),
      { numRuns: 20, seed: SEED },
    );
  },
);
