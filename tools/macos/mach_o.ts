/**
 * Reads Mach-O dylibs: their target, imports and exports; and joins files for
 * several processors to a universal file. Layouts and constants are those of
 * <mach-o/loader.h>, <mach-o/nlist.h> and <mach-o/fat.h>.
 */

/** A processor, by Apple's name. */
export type Architecture = "arm64" | "x86_64";

/** A name that the dylib imports. */
export interface Imported {
  /** The name in the object file, with a leading underscore. */
  readonly name: string;
  /** Whether the dylib loads without it. */
  readonly weak: boolean;
}

/** A section, as `__DATA,__const`. */
interface Section {
  readonly name: string;
  readonly bytes: number;
  /** Its type, such as {@link INTERPOSING}. */
  readonly type: number;
}

/** The type of the section with the functions that dyld puts in the place of others: S_INTERPOSING. */
export const INTERPOSING = 0xd;

/** A dylib for one processor. */
export interface Dylib {
  readonly architecture: Architecture;
  /** The path by which others load it. */
  readonly installName: string;
  /** The oldest macOS that it is for, like `13.0`. */
  readonly minimumVersion: string;
  /** The install names of the libraries that it loads. */
  readonly libraries: readonly string[];
  /** In the order of the file. */
  readonly imports: readonly Imported[];
  /** The names that it exports, in the order of the file. */
  readonly exports: readonly string[];
  readonly sections: readonly Section[];
  /** Offset and size of the code signature; absent if unsigned. */
  readonly signature?: { readonly offset: number; readonly bytes: number };
}

const MAGIC_64 = 0xfeedfacf;
const MAGIC_FAT = 0xcafebabe;
const FILETYPE_DYLIB = 6;
const PLATFORM_MACOS = 1;
const HEADER_BYTES = 32;
const SYMBOL_BYTES = 16;
const SEGMENT_BYTES = 72;
const SECTION_BYTES = 80;
const NAME_BYTES = 16;
const FAT_HEADER_BYTES = 8;
const FAT_ENTRY_BYTES = 20;

const COMMAND = {
  symbols: 0x2,
  segment: 0x19,
  loadDylib: 0xc,
  idDylib: 0xd,
  loadWeakDylib: 0x80000018,
  codeSignature: 0x1d,
  buildVersion: 0x32,
} as const;

/** Bits of a symbol's `n_type` and `n_desc`. */
const SYMBOL = {
  debug: 0xe0,
  privateExternal: 0x10,
  type: 0x0e,
  external: 0x01,
  weakReference: 0x40,
} as const;

/** By `cputype`: name, and the alignment of a slice as a power of two, which is the size of a page. */
const PROCESSORS = new Map<number, { name: Architecture; align: number }>([
  [0x0100000c, { name: "arm64", align: 14 }],
  [0x01000007, { name: "x86_64", align: 12 }],
]);

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function textAt(bytes: Uint8Array, start: number): string {
  const end = bytes.indexOf(0, start);
  if (start >= bytes.length || end < 0) throw new Error("Not terminated text");
  return new TextDecoder().decode(bytes.subarray(start, end));
}

function processor(
  view: DataView,
): { name: Architecture; align: number } {
  const found = PROCESSORS.get(view.getUint32(4, true));
  if (view.getUint32(0, true) !== MAGIC_64 || !found) {
    throw new Error("Not a 64-bit Mach-O file for arm64 or x86_64");
  }
  return found;
}

/** Unpacks a version: the nibbles xxxx.yy.zz become `13.0`. */
function version(packed: number): string {
  return `${packed >>> 16}.${(packed >>> 8) & 0xff}`;
}

/** A name in a field of 16 bytes, which need not end in NUL. */
function shortName(bytes: Uint8Array, start: number): string {
  const field = bytes.subarray(start, start + NAME_BYTES);
  return new TextDecoder().decode(field).replace(/\0.*$/, "");
}

function readSections(bytes: Uint8Array, command: number): Section[] {
  const view = viewOf(bytes);
  return Array.from({ length: view.getUint32(command + 64, true) }, (_, i) => {
    const at = command + SEGMENT_BYTES + i * SECTION_BYTES;
    return {
      name: `${shortName(bytes, at + NAME_BYTES)},${shortName(bytes, at)}`,
      bytes: Number(view.getBigUint64(at + 40, true)),
      type: view.getUint32(at + 64, true) & 0xff,
    };
  });
}

interface Symbols {
  imports: Imported[];
  exports: string[];
}

function readSymbols(bytes: Uint8Array, command: number): Symbols {
  const view = viewOf(bytes);
  const table = view.getUint32(command + 8, true);
  const count = view.getUint32(command + 12, true);
  const strings = view.getUint32(command + 16, true);
  const found: Symbols = { imports: [], exports: [] };
  for (let i = 0; i < count; i++) {
    const at = table + i * SYMBOL_BYTES;
    const type = view.getUint8(at + 4);
    const hidden = SYMBOL.debug | SYMBOL.privateExternal;
    if ((type & SYMBOL.external) === 0 || (type & hidden) !== 0) continue;
    const name = textAt(bytes, strings + view.getUint32(at, true));
    if ((type & SYMBOL.type) !== 0) {
      found.exports.push(name);
    } else {
      const description = view.getUint16(at + 6, true);
      const weak = (description & SYMBOL.weakReference) !== 0;
      found.imports.push({ name, weak });
    }
  }
  return found;
}

/** Reads a dylib for one processor. Throws if the file is something else. */
export function readDylib(bytes: Uint8Array): Dylib {
  const view = viewOf(bytes);
  const { name: architecture } = processor(view);
  if (view.getUint32(12, true) !== FILETYPE_DYLIB) {
    throw new Error("Not a dynamic library");
  }
  let installName = "";
  let minimumVersion = "";
  let symbols: Symbols = { imports: [], exports: [] };
  let signature: Dylib["signature"];
  const libraries: string[] = [];
  const sections: Section[] = [];
  let at = HEADER_BYTES;
  for (let left = view.getUint32(16, true); left > 0; left--) {
    const path = (): string => textAt(bytes, at + view.getUint32(at + 8, true));
    switch (view.getUint32(at, true)) {
      case COMMAND.idDylib:
        installName = path();
        break;
      case COMMAND.loadDylib:
      case COMMAND.loadWeakDylib:
        libraries.push(path());
        break;
      case COMMAND.buildVersion:
        if (view.getUint32(at + 8, true) !== PLATFORM_MACOS) {
          throw new Error("Not for macOS");
        }
        minimumVersion = version(view.getUint32(at + 12, true));
        break;
      case COMMAND.segment:
        sections.push(...readSections(bytes, at));
        break;
      case COMMAND.symbols:
        symbols = readSymbols(bytes, at);
        break;
      case COMMAND.codeSignature:
        signature = {
          offset: view.getUint32(at + 8, true),
          bytes: view.getUint32(at + 12, true),
        };
        break;
    }
    at += view.getUint32(at + 4, true);
  }
  return {
    architecture,
    installName,
    minimumVersion,
    libraries,
    ...symbols,
    sections,
    ...(signature && { signature }),
  };
}

/** Joins files for different processors to a universal file, as `lipo -create` does. */
export function joinSlices(slices: readonly Uint8Array[]): Uint8Array {
  const placed: { slice: Uint8Array; align: number; offset: number }[] = [];
  let end = FAT_HEADER_BYTES + slices.length * FAT_ENTRY_BYTES;
  for (const slice of slices) {
    const { align } = processor(viewOf(slice));
    const offset = Math.ceil(end / 2 ** align) * 2 ** align;
    placed.push({ slice, align, offset });
    end = offset + slice.length;
  }
  const joined = new Uint8Array(end);
  const view = viewOf(joined); // the only big-endian part
  view.setUint32(0, MAGIC_FAT);
  view.setUint32(4, placed.length);
  placed.forEach(({ slice, align, offset }, i) => {
    const at = FAT_HEADER_BYTES + i * FAT_ENTRY_BYTES;
    const header = viewOf(slice);
    view.setUint32(at, header.getUint32(4, true));
    view.setUint32(at + 4, header.getUint32(8, true));
    view.setUint32(at + 8, offset);
    view.setUint32(at + 12, slice.length);
    view.setUint32(at + 16, align);
    joined.set(slice, offset);
  });
  return joined;
}

/** Returns the files in a universal file, as views of it. Throws if it is not one, or if an entry is wrong. */
export function splitSlices(joined: Uint8Array): Uint8Array[] {
  const view = viewOf(joined);
  if (view.getUint32(0) !== MAGIC_FAT) throw new Error("Not a universal file");
  return Array.from({ length: view.getUint32(4) }, (_, i) => {
    const at = FAT_HEADER_BYTES + i * FAT_ENTRY_BYTES;
    const offset = view.getUint32(at + 8);
    const length = view.getUint32(at + 12);
    const slice = joined.subarray(offset, offset + length);
    const { align } = processor(viewOf(slice));
    const agrees = slice.length === length && offset % 2 ** align === 0 &&
      view.getUint32(at + 16) === align &&
      viewOf(slice).getUint32(4, true) === view.getUint32(at);
    if (!agrees) throw new Error(`Entry ${i} of the universal file is wrong`);
    return slice;
  });
}
