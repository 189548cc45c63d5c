import { assertEquals } from "@std/assert";
import { openLibrary } from "../../../../ffi/library/functions.ts";
import { chosenShim } from "../../../../ffi/library/library.ts";
import { SYMBOLS } from "../../../../ffi/symbols.ts";

/** A handle that names nothing. */
const NONE = 0;

/** What functions with each kind of result return, in a library that was opened with them. */
function resultsOf(
  { symbols }: Deno.DynamicLibrary<typeof SYMBOLS>,
): Record<string, unknown> {
  const shmem = symbols.slb_shmem_create(symbols.slb_queue_create(), 64n);
  const address = symbols.slb_shmem_map(shmem);
  return {
    u32: symbols.slb_abi_version(),
    "u32 of a handle": shmem > 0,
    i32: symbols.slb_release(shmem),
    "negative i32": symbols.slb_connection_activate(NONE),
    u64: symbols.slb_process_started(Deno.pid),
    "u64 of none": symbols.slb_shmem_bytes(NONE),
    "negative i64": symbols.slb_surface_native(NONE),
    pointer: address !== null && Deno.UnsafePointer.value(address) !== 0n,
    "pointer to nothing": symbols.slb_shmem_map(NONE),
  };
}

Deno.test("functions that are declared to return a structure return what they return", () => {
  const choice = chosenShim();
  if (choice.source === "package") return;
  using held = new DisposableStack();
  const opened = (
    library: Deno.DynamicLibrary<typeof SYMBOLS>,
  ): Deno.DynamicLibrary<typeof SYMBOLS> => {
    held.defer(() => library.close());
    return library;
  };
  const plain = resultsOf(opened(Deno.dlopen(choice.path, SYMBOLS)));
  assertEquals(resultsOf(opened(openLibrary(choice.path, SYMBOLS))), plain);
  assertEquals(typeof plain["u64"], "bigint");
  assertEquals(Number(plain["negative i32"]) < 0, true);
});
