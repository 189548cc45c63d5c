import { assertEquals, assertThrows } from "@std/assert";
import {
  INTERPOSING,
  joinSlices,
  readDylib,
  splitSlices,
} from "../../../../tools/macos/mach_o.ts";
import { machO } from "../../../helpers/mach_o.ts";

const EXTERNAL = 0x01,
  DEFINED = 0x0f,
  PRIVATE = 0x1f,
  LOCAL = 0x0e,
  DEBUG = 0x2f;
const WEAK = 0x40;

Deno.test("a dylib is read as it is", () => {
  const bytes = machO({
    installName: "@rpath/lib.dylib",
    libraries: ["/usr/lib/libSystem.B.dylib", "/usr/lib/libz.dylib"],
    sections: [
      ["__DATA", "__interpose", 64, 0x0d],
      ["__DATA_CONST", "__a_name_of_sixte", 8, 0x1000000b],
    ],
    symbols: [
      ["_local", LOCAL, 0],
      ["_given", DEFINED, 0],
      ["_hidden", PRIVATE, 0],
      ["_debug", DEBUG, 0],
      ["_needed", EXTERNAL, 0x100],
      ["_wished", EXTERNAL, 0x100 | WEAK],
    ],
    signature: { offset: 4096, bytes: 64 },
  });
  assertEquals(readDylib(bytes), {
    architecture: "arm64",
    installName: "@rpath/lib.dylib",
    minimumVersion: "13.0",
    libraries: ["/usr/lib/libSystem.B.dylib", "/usr/lib/libz.dylib"],
    imports: [
      { name: "_needed", weak: false },
      { name: "_wished", weak: true },
    ],
    exports: ["_given"],
    sections: [
      { name: "__DATA,__interpose", bytes: 64, type: INTERPOSING },
      { name: "__DATA_CONST,__a_name_of_sixt", bytes: 8, type: 0xb },
    ],
    signature: { offset: 4096, bytes: 64 },
  });
  const unsigned = readDylib(machO({ arm64: false }));
  assertEquals(unsigned.architecture, "x86_64");
  assertEquals(unsigned.signature, undefined);
});

Deno.test("what is no dylib for macOS is not read", () => {
  assertThrows(() => readDylib(new Uint8Array(64)), Error, "Not a 64-bit");
  assertThrows(() => readDylib(machO({ fileType: 2 })), Error, "Not a dynamic");
  assertThrows(() => readDylib(machO({ platform: 2 })), Error, "Not for macOS");
});

Deno.test("a universal file has its slices at their pages, as they were", () => {
  const intel = machO({ arm64: false, padding: 5000 });
  const arm = machO({ padding: 3 });
  const joined = joinSlices([intel, arm]);
  assertEquals(joined.subarray(4096, 4096 + intel.length), intel);
  assertEquals(joined.length, 16384 + arm.length);
  assertEquals(splitSlices(joined), [intel, arm]);
});

Deno.test("a universal file that lies is refused", () => {
  const whole = joinSlices([machO({})]);
  const changed = (at: number, value: number): Uint8Array => {
    const copy = whole.slice();
    new DataView(copy.buffer).setUint32(at, value);
    return copy;
  };
  assertThrows(() => splitSlices(machO({})), Error, "Not a universal");
  assertThrows(() => splitSlices(changed(8, 0x01000007)), Error, "is wrong");
  assertThrows(() => splitSlices(changed(20, whole.length)), Error, "is wrong");
  assertThrows(() => splitSlices(changed(24, 12)), Error, "is wrong");
});
