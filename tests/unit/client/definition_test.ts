/** Definitions that are not valid, as JavaScript may have them: what is said of each. */

import { assertEquals, assertThrows } from "@std/assert";
import { call, continuous, manual, reactive } from "../../../client/mod.ts";
import { BridgeError, type ErrorCode } from "../../../proto/errors.ts";
import { Float32, type SettingOptions, UInt32 } from "../../../proto/mod.ts";
import { setting } from "../../../proto/schema/settings.ts";

const noDefault = {} as SettingOptions<typeof Float32>;
const EXAMPLE = "write setting(Float32, { default: 0.5 })";
const CALL = "call({ reply: { count: UInt32 } }, () => ({ count: 1 }))";
const REACTIVE = "Cannot use the definition of a reactive processor";

/** Asserts that `run` throws a BridgeError of this code, whose text has these words. */
function assertSays(run: () => unknown, code: ErrorCode, words: string): void {
  assertEquals(assertThrows(run, BridgeError, words).code, code);
}

/** What is beside `process` in each definition. */
const WRONG: readonly (readonly [
  parts: unknown,
  words: string,
  code?: ErrorCode,
])[] = [
  [
    { settings: { x: 5 } },
    `Cannot use the settings, 'x': it is 5, not a setting; ${EXAMPLE}`,
  ],
  [{ settings: { x: null } }, `'x': it is null, not a setting; ${EXAMPLE}`],
  [
    { settings: { x: setting(Float32, noDefault) } },
    `Cannot use the settings, 'x': it has no default; ${EXAMPLE}`,
  ],
  [
    { settings: { x: setting(undefined as never, { default: 1 } as never) } },
    `'x': its type is undefined, not a type; ${EXAMPLE}`,
  ],
  [
    { settings: 5 },
    "Cannot use the settings: they are 5, not an object; write { amount: ",
  ],
  [{ settings: [] }, "they are an array of 0, not an object"],
  [
    { calls: { x: () => {} } },
    `Cannot use the calls, 'x': it is a function, not a call; write ${CALL}`,
  ],
  [
    {
      calls: {
        x: () => {
          throw new Error("it was called");
        },
      },
    },
    "'x': it is a function, not a call",
  ],
  [{ calls: { x: 5 } }, "'x': it is 5, not a call"],
  [{ calls: { x: undefined } }, "'x': it is undefined, not a call"],
  [
    { calls: null },
    `Cannot use the calls: they are null, not an object; write { count: ${CALL} }`,
  ],
  ...["then", "toJSON"].map((name) =>
    [
      { calls: { [name]: call({}, () => {}) } },
      `Cannot use the calls: the call's name "${name}" is a name that JavaScript asks every object for; choose another name`,
      "schema_mismatch",
    ] as const
  ),
  [
    { calls: { toString: call({}, () => {}) } },
    `Cannot use the calls: the call's name "toString" is a name that every object has`,
    "schema_mismatch",
  ],
  [
    { inputs: { video: 5 } },
    "Cannot use the input 'video': it is 5, neither a schema nor a port; write VideoFrame, or port(VideoFrame)",
  ],
  [
    { outputs: { video: undefined } },
    "Cannot use the output 'video': it is undefined, neither a schema nor a port",
  ],
  [
    { inputs: 5 },
    "Cannot use the inputs: they are 5, not an object; write { video: VideoFrame }",
  ],
  [{ setup: 5 }, `${REACTIVE}: its 'setup' is 5, not a function`],
  [
    { process: undefined },
    `${REACTIVE}: its 'process' is undefined, not a function; write reactive({ process() {} })`,
  ],
];

for (const [parts, words, code = "bad_argument"] of WRONG) {
  Deno.test(`a definition is refused: ${words}`, () => {
    const definition = { process() {}, ...parts as object };
    assertSays(() => reactive(definition as never), code, words);
  });
}

Deno.test("a definition needs the function of its mode", () => {
  assertSays(
    () => reactive(undefined as never),
    "bad_argument",
    `${REACTIVE}: it is undefined, not an object; write reactive({ process() {} })`,
  );
  assertSays(
    () => continuous({ start() {} } as never),
    "bad_argument",
    "its 'process' is undefined, not a function; write continuous({ process() {} })",
  );
  assertSays(
    () => manual({ process() {} } as never),
    "bad_argument",
    "its 'start' is undefined, not a function; write manual({ start() {} })",
  );
  assertSays(
    () => manual({ start() {}, stop: 5 } as never),
    "bad_argument",
    "its 'stop' is 5, not a function",
  );
});

Deno.test("a call needs fields and a function", () => {
  const refused = (fields: unknown, answer: unknown, words: string): void =>
    assertSays(
      () => call(fields as never, answer as never),
      "bad_argument",
      words,
    );
  refused(
    undefined,
    () => {},
    "Cannot use a call's fields: they are undefined, not an object; write { reply: { count: UInt32 } }",
  );
  refused(
    {},
    undefined,
    `Cannot use a call: what answers it is undefined, not a function; write ${CALL}`,
  );
  refused(
    { reply: { count: 5 } },
    () => {},
    "Cannot use the field 'count': it is 5, neither a type nor a field; write UInt32, or field(UInt32, ",
  );
  refused(
    { request: UInt32.kind },
    () => {},
    'Cannot use the fields: they are "UInt32", not an object',
  );
});
