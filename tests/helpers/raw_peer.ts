/**
 * A peer that sends what the shim refuses to make: surfaces and buffers of any
 * size, on Linux. Their memory is sparse, so that it needs no memory.
 */

import { builtLibrary } from "../../ffi/library/library.ts";

const text = (value: string): Uint8Array<ArrayBuffer> =>
  new TextEncoder().encode(`${value}\0`);

const F_ADD_SEALS = 1033, SEALS = 0x7, ALLOW_SEALING_CLOEXEC = 0x3;
const RGBA = 0x52474241;

/** A value of a message: text, an unsigned number, a dictionary, or an XPC object. */
type Value =
  | string
  | bigint
  | Deno.PointerObject
  | { readonly [key: string]: Value };

function openLibraries() {
  const xpc = Deno.dlopen(builtLibrary(), {
    xpc_connection_create_mach_service: {
      parameters: ["buffer", "pointer", "u64"],
      result: "pointer",
    },
    xpc_connection_set_event_handler: {
      parameters: ["pointer", "buffer"],
      result: "void",
    },
    xpc_connection_resume: { parameters: ["pointer"], result: "void" },
    xpc_connection_cancel: { parameters: ["pointer"], result: "void" },
    xpc_connection_send_message: {
      parameters: ["pointer", "pointer"],
      result: "void",
    },
    xpc_dictionary_create: {
      parameters: ["pointer", "pointer", "usize"],
      result: "pointer",
    },
    xpc_dictionary_set_string: {
      parameters: ["pointer", "buffer", "buffer"],
      result: "void",
    },
    xpc_dictionary_set_uint64: {
      parameters: ["pointer", "buffer", "u64"],
      result: "void",
    },
    xpc_dictionary_set_value: {
      parameters: ["pointer", "buffer", "pointer"],
      result: "void",
    },
    xpc_linux_surface_create: {
      parameters: ["i32", "buffer"],
      result: "pointer",
    },
    xpc_linux_region_create: { parameters: ["usize"], result: "pointer" },
    xpc_linux_region_destroy: {
      parameters: ["pointer", "usize"],
      result: "void",
    },
    xpc_shmem_create: { parameters: ["pointer", "usize"], result: "pointer" },
    xpc_release: { parameters: ["pointer"], result: "void" },
    slb_abi_version: { type: "pointer" }, // the function's address
  });
  const libc = Deno.dlopen("libc.so.6", {
    memfd_create: { parameters: ["buffer", "u32"], result: "i32" },
    ftruncate: { parameters: ["i32", "i64"], result: "i32" },
    fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
    close: { parameters: ["i32"], result: "i32" },
  });
  return { xpc, libc };
}

/** Makes a block that calls a C function, which must ignore its arguments. It is valid while `keep` is reachable. */
function blockOf(
  invoke: Deno.PointerValue,
): { block: BigUint64Array<ArrayBuffer>; keep: BigUint64Array } {
  const descriptor = new BigUint64Array([0n, 32n]); // reserved, size of the block
  const address = (of: Deno.PointerValue): bigint =>
    Deno.UnsafePointer.value(of);
  const block = new BigUint64Array([
    0n, // isa
    0n, // flags, reserved
    address(invoke),
    address(Deno.UnsafePointer.of(descriptor)),
  ]);
  return { block, keep: descriptor };
}

/** One end of a connection to a named service. */
export class RawPeer implements Disposable {
  readonly #libraries = openLibraries();
  readonly #connection: Deno.PointerValue;
  readonly #handler: ReturnType<typeof blockOf>;

  /** Connects to the service. */
  constructor(service: string) {
    const { symbols } = this.#libraries.xpc;
    this.#connection = symbols.xpc_connection_create_mach_service(
      text(service),
      null,
      0n,
    );
    this.#handler = blockOf(symbols.slb_abi_version);
    symbols.xpc_connection_set_event_handler(
      this.#connection,
      this.#handler.block,
    );
    symbols.xpc_connection_resume(this.#connection);
  }

  /** Sends a message. Releases the XPC objects in it. */
  send(message: { readonly [key: string]: Value }): void {
    const { symbols } = this.#libraries.xpc;
    const dictionary = this.#dictionary(message);
    symbols.xpc_connection_send_message(this.#connection, dictionary);
    symbols.xpc_release(dictionary);
  }

  #dictionary(
    values: { readonly [key: string]: Value },
  ): Deno.PointerValue {
    const { symbols } = this.#libraries.xpc;
    const dictionary = symbols.xpc_dictionary_create(null, null, 0n);
    for (const [key, value] of Object.entries(values)) {
      const name = text(key);
      if (typeof value === "string") {
        symbols.xpc_dictionary_set_string(dictionary, name, text(value));
      } else if (typeof value === "bigint") {
        symbols.xpc_dictionary_set_uint64(dictionary, name, value);
      } else {
        const inner = Object.getPrototypeOf(value) === Object.prototype
          ? this.#dictionary(value as { readonly [key: string]: Value })
          : value as Deno.PointerObject;
        symbols.xpc_dictionary_set_value(dictionary, name, inner);
        symbols.xpc_release(inner);
      }
    }
    return dictionary;
  }

  /** Makes a surface of `height` rows of 4,096 pixels. */
  surface(height: number): Deno.PointerObject {
    const { xpc, libc } = this.#libraries;
    const row = 4096 * 4, bytes = BigInt(row) * BigInt(height);
    const file = libc.symbols.memfd_create(text("raw"), ALLOW_SEALING_CLOEXEC);
    libc.symbols.ftruncate(file, bytes);
    libc.symbols.fcntl(file, F_ADD_SEALS, SEALS);
    const layout = new DataView(new ArrayBuffer(24));
    [4096, height, row, RGBA].forEach((value, index) =>
      layout.setUint32(4 * index, value, true)
    );
    layout.setBigUint64(16, bytes, true);
    const surface = xpc.symbols.xpc_linux_surface_create(
      file,
      new Uint8Array(layout.buffer),
    );
    libc.symbols.close(file);
    if (!surface) throw new Error("no surface could be made");
    return surface;
  }

  /** Makes the memory of a buffer. */
  buffer(bytes: number): Deno.PointerObject {
    const { symbols } = this.#libraries.xpc;
    const region = symbols.xpc_linux_region_create(BigInt(bytes));
    const buffer = symbols.xpc_shmem_create(region, BigInt(bytes));
    symbols.xpc_linux_region_destroy(region, BigInt(bytes));
    if (!buffer) throw new Error("no buffer could be made");
    return buffer;
  }

  [Symbol.dispose](): void {
    const { xpc, libc } = this.#libraries;
    xpc.symbols.xpc_connection_cancel(this.#connection);
    xpc.symbols.xpc_release(this.#connection);
    xpc.close();
    libc.close();
  }
}
