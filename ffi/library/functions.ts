/**
 * How the functions of the shim are declared to `Deno.dlopen`.
 *
 * For each function Deno compiles machine code when the library is opened: 0.1 ms
 * or more, though most functions are called a few times or never. It compiles
 * none for a function that returns a structure. The calling conventions of all
 * our systems (System V and AAPCS64) return a structure of one integer or address
 * as they return that itself. So only what is called often is declared as it is, and
 * any other function as one that returns a structure: a call of it takes a
 * microsecond more.
 *
 * @module
 */

import type { ELSEWHERE, SYMBOLS } from "../symbols.ts";

/** Functions of the shim, declared as in {@link SYMBOLS} and {@link ELSEWHERE}. */
export type Functions = Partial<typeof SYMBOLS & typeof ELSEWHERE>;

/** What is called for each frame, message or look at the clock. */
const CALLED_OFTEN: ReadonlySet<string> = new Set<keyof Functions>([
  "slb_now_ns",
  "slb_clock_ms",
  "slb_release",
  "slb_queue_drain",
  "slb_connection_send",
  "slb_lane_publish",
  "slb_lane_spin",
  "slb_lane_sleep",
  "slb_lane_wake",
  "slb_lane_wait",
  "slb_surface_lock",
  "slb_surface_unlock",
]);

/** How each kind of integer, and an address, is read from a structure that has nothing else. */
const WORDS = {
  u32: (bytes: DataView): number => bytes.getUint32(0, true),
  i32: (bytes: DataView): number => bytes.getInt32(0, true),
  u64: (bytes: DataView): bigint => bytes.getBigUint64(0, true),
  i64: (bytes: DataView): bigint => bytes.getBigInt64(0, true),
  pointer: (bytes: DataView): Deno.PointerValue =>
    Deno.UnsafePointer.create(bytes.getBigUint64(0, true)),
} as const;

type Word = keyof typeof WORDS;
type Declaration = Deno.ForeignFunction;
type Call = (...args: unknown[]) => unknown;

/** Opens a library with these functions. Throws what `Deno.dlopen` throws. */
export function openLibrary<F extends Functions>(
  path: string,
  functions: F,
): Deno.DynamicLibrary<F> {
  const declared: Record<string, Declaration> = {};
  const rare = new Map<string, Word>();
  for (const [name, declaration] of Object.entries<Declaration>(functions)) {
    const { result, nonblocking } = declaration;
    const isRare = isWord(result) && !nonblocking && !CALLED_OFTEN.has(name);
    if (isRare) rare.set(name, result);
    declared[name] = isRare
      ? { ...declaration, result: { struct: [result] } }
      : declaration;
  }
  const library = Deno.dlopen(path, declared);
  const symbols: Record<string, unknown> = { ...library.symbols };
  for (const [name, type] of rare) {
    symbols[name] = contentOf(library.symbols[name] as Call, WORDS[type]);
  }
  return {
    symbols: symbols as Deno.StaticForeignLibraryInterface<F>,
    close: () => library.close(),
  };
}

function isWord(result: Deno.NativeResultType): result is Word {
  return typeof result === "string" && result in WORDS;
}

/** Makes a function that returns what is in the structure that `call` returns. */
function contentOf(
  call: Call,
  read: (bytes: DataView) => unknown,
): Call {
  return (...args) => read(new DataView((call(...args) as Uint8Array).buffer));
}
