/**
 * Reads ELF shared libraries: their target, imports and exports. Layouts and
 * constants are those of <elf.h>, for 64 bits, little-endian.
 */

/** A processor, by Deno's name. */
export type Machine = "x86_64" | "aarch64";

/** A shared library for Linux. */
export interface SharedLibrary {
  readonly machine: Machine;
  /** The libraries that it loads, by name. */
  readonly libraries: readonly string[];
  /** The symbol versions that it imports from them, like `GLIBC_2.27`. */
  readonly versions: readonly string[];
  /** The names that it exports, in the order of the file. */
  readonly exports: readonly string[];
  /** Whether it stays mapped after dlclose. */
  readonly nodelete: boolean;
  /** Whether all symbols are resolved at load time, so that no table stays writable. */
  readonly bindsNow: boolean;
  /** Whether it can be executed too: it names a dynamic loader, and has a place to begin. */
  readonly executable: boolean;
  /** The names of its sections, in the order of the file. */
  readonly sections: readonly string[];
}

const MAGIC = 0x464c457f;
const CLASS_64_LITTLE = 0x0102;
const TYPE_SHARED = 3;

const MACHINES = new Map<number, Machine>([[62, "x86_64"], [183, "aarch64"]]);

const SECTION = { dynamicSymbols: 11, dynamic: 6, versionsNeeded: 0x6ffffffe };
const DYNAMIC = { needed: 1, flags1: 0x6ffffffb };
const FLAG_1 = { now: 0x1, nodelete: 0x8 };
const BIND = { global: 1, weak: 2 };

const SYMBOL_BYTES = 24;
const DYNAMIC_BYTES = 16;

interface Section {
  readonly name: string;
  readonly type: number;
  readonly offset: number;
  readonly bytes: number;
  /** The index of the section with its names. */
  readonly link: number;
  /** The number of entries, for sections where the size does not tell it. */
  readonly info: number;
}

/** Reads fields of an ELF file. */
class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  u8(at: number): number {
    return this.#view.getUint8(at);
  }

  u16(at: number): number {
    return this.#view.getUint16(at, true);
  }

  u32(at: number): number {
    return this.#view.getUint32(at, true);
  }

  /** A 64-bit value. All are offsets or flags, and fit into a number. */
  u64(at: number): number {
    return Number(this.#view.getBigUint64(at, true));
  }

  text(at: number): string {
    const end = this.#bytes.indexOf(0, at);
    if (at >= this.#bytes.length || end < 0) throw new Error("Endless text");
    return new TextDecoder().decode(this.#bytes.subarray(at, end));
  }

  sections(): Section[] {
    const table = this.u64(40);
    const entryBytes = this.u16(58);
    const names = this.u64(table + this.u16(62) * entryBytes + 24);
    return Array.from({ length: this.u16(60) }, (_, i) => {
      const at = table + i * entryBytes;
      return {
        name: this.text(names + this.u32(at)),
        type: this.u32(at + 4),
        offset: this.u64(at + 24),
        bytes: this.u64(at + 32),
        link: this.u32(at + 40),
        info: this.u32(at + 44),
      };
    });
  }
}

/** Reads a shared library. Throws if the file is something else. */
export function readSharedLibrary(bytes: Uint8Array): SharedLibrary {
  const file = new Reader(bytes);
  const machine = MACHINES.get(file.u16(18));
  if (
    file.u32(0) !== MAGIC || file.u16(4) !== CLASS_64_LITTLE ||
    file.u16(16) !== TYPE_SHARED || !machine
  ) {
    throw new Error("Not a shared library for x86_64 or aarch64");
  }
  const sections = file.sections();
  const find = (type: number): { section: Section; names: number } => {
    const section = sections.find((one) => one.type === type);
    const names = section && sections[section.link];
    if (!section || !names) throw new Error(`No section of type ${type}`);
    return { section, names: names.offset };
  };
  const libraries: string[] = [];
  let flags = 0;
  const { section: dynamic, names } = find(SECTION.dynamic);
  for (let i = 0; i < dynamic.bytes; i += DYNAMIC_BYTES) {
    const tag = file.u64(dynamic.offset + i);
    const value = file.u64(dynamic.offset + i + 8);
    if (tag === DYNAMIC.needed) libraries.push(file.text(names + value));
    else if (tag === DYNAMIC.flags1) flags = value;
  }
  const needed = find(SECTION.versionsNeeded);
  const symbols = find(SECTION.dynamicSymbols);
  return {
    machine,
    libraries,
    versions: readVersions(file, needed.section, needed.names),
    exports: readExports(file, symbols.section, symbols.names),
    nodelete: (flags & FLAG_1.nodelete) !== 0,
    bindsNow: (flags & FLAG_1.now) !== 0,
    executable: file.u64(24) !== 0 &&
      sections.some(({ name }) => name === ".interp"),
    sections: sections.map(({ name }) => name),
  };
}

/** Reads nested lists: for each library, the symbol versions that are needed from it. */
function readVersions(file: Reader, section: Section, names: number): string[] {
  const versions = new Set<string>();
  for (let left = section.info, at = section.offset; left > 0; left--) {
    let one = at + file.u32(at + 8);
    for (let count = file.u16(at + 2); count > 0; count--) {
      versions.add(file.text(names + file.u32(one + 8)));
      one += file.u32(one + 12);
    }
    at += file.u32(at + 12);
  }
  return [...versions];
}

function readExports(file: Reader, section: Section, names: number): string[] {
  const found: string[] = [];
  for (let i = 0; i < section.bytes; i += SYMBOL_BYTES) {
    const at = section.offset + i;
    const bind = file.u8(at + 4) >> 4;
    const defined = file.u16(at + 6) !== 0;
    if (defined && (bind === BIND.global || bind === BIND.weak)) {
      found.push(file.text(names + file.u32(at)));
    }
  }
  return found;
}
