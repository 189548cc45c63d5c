import { assertEquals } from "@std/assert";
import { END_REASON, END_TOLD } from "../../ffi/status.ts";
import { ABI_VERSION, SYMBOLS } from "../../ffi/symbols.ts";
import {
  MAX_DEPTH,
  MAX_DESCRIPTORS,
  MAX_DICTIONARY_BYTES,
} from "../../proto/limits.ts";
import { permittedTest } from "../helpers/permitted.ts";

const HEADER = new URL(
  "../../c/include/streamlib_bridge.h",
  import.meta.url,
);

/** The C types of the ABI, and Deno's names for them. */
const TYPES: Record<string, string> = {
  "void *": "pointer",
  "uint8_t *": "buffer",
  "const uint8_t *": "buffer",
  "const uint32_t *": "buffer",
  "uint32_t *": "buffer",
  "int32_t *": "buffer",
  "uint64_t *": "buffer",
  "uint64_t": "u64",
  "int64_t": "i64",
  "uint32_t": "u32",
  "int32_t": "i32",
  "slb_handle": "u32",
  "double": "f64",
};

function denoType(declaration: string): string {
  // As in "const uint8_t *name" and "slb_handle queue", the last word is the name.
  const type = declaration.trim().replace(/\w+$/, "").trim();
  const known = TYPES[type];
  if (!known) {
    throw new Error(`The header uses a type unknown to this test: ${type}`);
  }
  return known;
}

/** Returns all prototypes of the header in the form of Deno.dlopen. */
function parseHeader(header: string): Record<string, unknown> {
  const code = header.replace(/\/\*[\s\S]*?\*\//g, "");
  const found: Record<string, unknown> = {};
  for (const [, prototype] of code.matchAll(/^SLB_API ([^;]+);/gm)) {
    const parts = prototype!.match(/^([\s\S]*?)(slb_\w+)\(([\s\S]*)\)$/)!;
    const parameters = parts[3]!.trim();
    found[parts[2]!] = {
      parameters: parameters === "void" || parameters === ""
        ? []
        : parameters.split(",").map(denoType),
      result: denoType(`${parts[1]} x`.replace(/\* x$/, "*x")),
    };
  }
  return found;
}

Deno.test("the header check sees a drift of name, arity and width", () => {
  const parsed = parseHeader(
    "SLB_API uint32_t slb_a(slb_handle q, const uint8_t *text, uint64_t n);\nSLB_API void *slb_b(void);",
  );
  assertEquals(parsed, {
    slb_a: { parameters: ["u32", "buffer", "u64"], result: "u32" },
    slb_b: { parameters: [], result: "pointer" },
  });
});

permittedTest("symbols.ts is what the header declares, in its order", {
  read: true,
}, async () => {
  const declared = parseHeader(await Deno.readTextFile(HEADER));
  assertEquals(declared, SYMBOLS as Record<string, unknown>);
  assertEquals(Object.keys(declared), Object.keys(SYMBOLS));
});

permittedTest("the header's version and limits are the protocol's", {
  read: true,
}, async () => {
  const header = await Deno.readTextFile(HEADER);
  const constant = (name: string): number =>
    Number(header.match(new RegExp(`#define ${name} (\\d+)`))?.[1]);
  assertEquals(constant("SLB_ABI_VERSION"), ABI_VERSION);
  assertEquals(constant("SLB_MAX_MESSAGE_BYTES"), MAX_DICTIONARY_BYTES);
  assertEquals(constant("SLB_MAX_MESSAGE_DEPTH"), MAX_DEPTH);
  assertEquals(constant("SLB_MAX_MESSAGE_CAPABILITIES"), MAX_DESCRIPTORS);
  assertEquals(constant("SLB_REASON_UNKNOWN"), END_REASON.unknown);
  assertEquals(constant("SLB_REASON_IN_USE"), END_REASON.inUse);
  assertEquals(constant("SLB_REASON_OUTBOX"), END_REASON.outbox);
  assertEquals(constant("SLB_REASON_MALFORMED"), END_REASON.malformed);
  assertEquals(constant("SLB_REASON_EXHAUSTED"), END_REASON.exhausted);
  assertEquals(constant("SLB_REASON_TOLD"), END_TOLD);
});
