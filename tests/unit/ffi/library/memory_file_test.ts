import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { LINUX_C, type LinuxC } from "../../../../ffi/library/c_library.ts";
import { memoryFile } from "../../../../ffi/library/memory_file.ts";
import type { Prebuilt } from "../../../../ffi/library/prebuilt/prebuilt.ts";
import { permittedTest } from "../../../helpers/permitted.ts";

const LINUX = { linux: "memfd_create" } as const;
const CONTENT = new TextEncoder().encode("not a library, and nobody loads it");
const F_GETFD = 1;
const F_GET_SEALS = 1034;
/** Those of `memory_file.ts`, by name. */
const SEALS = { seal: 1, shrink: 2, grow: 4, write: 8 };

/** A shim with a hash of its own: the tests of a run may share a process. */
function prebuilt(bytes = CONTENT.length): Prebuilt {
  return {
    abi: 0,
    sha256: crypto.randomUUID(),
    bytes,
    base64: CONTENT.toBase64(),
  };
}

/** The C library, until the test ends. */
function withC(body: (c: LinuxC) => void): void {
  const library = Deno.dlopen("libc.so.6", LINUX_C);
  try {
    body(library.symbols);
  } finally {
    library.close();
  }
}

function descriptorOf(path: string): number {
  return Number(path.slice(path.lastIndexOf("/") + 1));
}

/** How many descriptors below 1024 lead to a shim. */
function countOf(
  { sha256 }: Prebuilt,
  { readlink }: Pick<LinuxC, "readlink">,
): number {
  const encoder = new TextEncoder(), decoder = new TextDecoder();
  const link = new Uint8Array(256);
  let count = 0;
  for (let each = 0; each < 1024; each++) {
    const path = encoder.encode(`/proc/self/fd/${each}\0`);
    const length = Number(readlink(path, link, BigInt(link.length)));
    const text = decoder.decode(link.subarray(0, Math.max(length, 0)));
    if (text.includes(sha256)) count++;
  }
  return count;
}

permittedTest(
  "a shim in memory is whole, cannot be changed, and is one for a process",
  LINUX,
  () =>
    withC((c) => {
      const shim = prebuilt();
      const path = memoryFile(shim, c);
      const file = descriptorOf(path);
      assertEquals(file >= 200, true);
      assertEquals(c.fcntl(file, F_GETFD, 0), 1); // close-on-exec
      const all = SEALS.seal | SEALS.shrink | SEALS.grow | SEALS.write;
      assertEquals(c.fcntl(file, F_GET_SEALS, 0) & all, all);
      assertEquals(c.write(file, CONTENT, 1n), -1n);
      const reader = Deno.dlopen("libc.so.6", {
        pread: {
          parameters: ["i32", "buffer", "usize", "i64"],
          result: "isize",
        },
      });
      const content = new Uint8Array(CONTENT.length + 1);
      assertEquals(
        Number(reader.symbols.pread(file, content, 64n, 0n)),
        CONTENT.length,
      );
      assertEquals(content.subarray(0, CONTENT.length), CONTENT);
      reader.close();
      const never = (): never => {
        throw new Error("another file was made");
      };
      assertEquals(memoryFile(shim, { ...c, memfd_create: never }), path);
      assertEquals(countOf(shim, c), 1);
      const other = prebuilt();
      assertEquals(memoryFile(other, c) === path, false);
      for (const each of [path, memoryFile(other, c)]) {
        c.close(descriptorOf(each));
      }
    }),
);

permittedTest(
  "a shim in memory: what the system refuses is told, and leaves nothing",
  LINUX,
  () =>
    withC((c) => {
      const short = prebuilt(CONTENT.length + 1);
      const full = prebuilt();
      const refuses = (shim: Prebuilt, changed: Partial<LinuxC>): string =>
        assertThrows(() => memoryFile(shim, { ...c, ...changed })).message;
      assertStringIncludes(refuses(short, {}), "cannot hold its 35 bytes");
      assertStringIncludes(
        refuses(full, { write: () => -1n }),
        "cannot hold its 34 bytes",
      );
      assertStringIncludes(
        refuses(full, { memfd_create: () => -1 }),
        "no file in memory (memfd_create)",
      );
      assertStringIncludes(
        refuses(full, {
          getrlimit: (_, values) => {
            new Uint8Array((values as Uint8Array).buffer)[0] = 33;
            return 0;
          },
        }),
        "its limit is 33 bytes (RLIMIT_FSIZE)",
      );
      assertEquals([countOf(short, c), countOf(full, c)], [0, 0]);
    }),
);

permittedTest(
  "a shim in memory: an old kernel, and few descriptors",
  LINUX,
  () =>
    withC((c) => {
      const flags: number[] = [];
      const old: LinuxC = {
        ...c,
        memfd_create: (name, given) => {
          flags.push(given);
          return given === 3 ? c.memfd_create(name, given) : -1;
        },
        // As with a limit of 200 or less.
        fcntl: (file, command, value) =>
          command === 1030 ? -1 : c.fcntl(file, command, value),
      };
      const shim = prebuilt();
      const file = descriptorOf(memoryFile(shim, old));
      assertEquals(flags, [11, 3]);
      assertEquals(countOf(shim, c), 1);
      c.close(file);
      assertEquals(countOf(shim, c), 0);
    }),
);

permittedTest(
  "a shim in memory: of two that are made at once, one stays",
  LINUX,
  () =>
    withC((c) => {
      const shim = prebuilt();
      let other = "";
      const racing: LinuxC = {
        ...c,
        memfd_create: (name, given) => {
          other ||= memoryFile(shim, c); // another isolate makes one now
          return c.memfd_create(name, given);
        },
      };
      assertEquals(memoryFile(shim, racing), other);
      assertEquals(countOf(shim, c), 1);
      c.close(descriptorOf(other));
    }),
);

permittedTest(
  "a shim in memory: one that is not whole yet is not used",
  LINUX,
  () =>
    withC((c) => {
      const shim = prebuilt();
      const name = `streamlib_bridge-${shim.sha256}\0`;
      const begun = c.memfd_create(new TextEncoder().encode(name), 3);
      const placed = c.fcntl(begun, 1030, 200);
      const path = memoryFile(shim, c);
      assertEquals([begun, placed].includes(descriptorOf(path)), false);
      for (const file of [begun, placed, descriptorOf(path)]) c.close(file);
    }),
);
