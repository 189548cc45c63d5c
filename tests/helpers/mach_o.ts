/** Makes small Mach-O files, by the structures of <mach-o/loader.h>. */

/** The parts of the file; all are optional. */
interface MachOParts {
  arm64?: boolean;
  fileType?: number;
  platform?: number;
  installName?: string;
  libraries?: string[];
  /** Segment, name, bytes, flags. */
  sections?: [string, string, number, number][];
  /** Name, `n_type`, `n_desc`. */
  symbols?: [string, number, number][];
  signature?: { offset: number; bytes: number };
  /** Bytes after all other parts. */
  padding?: number;
}

function words(...values: number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => view.setUint32(i * 4, value, true));
  return bytes;
}

function concat(parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function dylibCommand(command: number, path: string): Uint8Array {
  const text = new Uint8Array(Math.ceil((path.length + 1) / 8) * 8);
  new TextEncoder().encodeInto(path, text);
  return concat([words(command, 24 + text.length, 24, 2, 0, 0), text]);
}

function shortName(text: string): Uint8Array {
  const field = new Uint8Array(16);
  new TextEncoder().encodeInto(text, field);
  return field;
}

/** One segment with all sections. */
function segmentCommand(
  sections: [string, string, number, number][],
): Uint8Array {
  return concat([
    words(0x19, 72 + 80 * sections.length),
    shortName("__DATA"),
    words(...new Array<number>(10).fill(0), sections.length, 0),
    ...sections.flatMap(([segment, name, bytes, flags]) => [
      shortName(name),
      shortName(segment),
      words(0, 0, bytes, 0, 0, 0, 0, 0, flags, 0, 0, 0),
    ]),
  ]);
}

/** Makes a dylib of these parts, by default for arm64. */
export function machO(parts: MachOParts): Uint8Array {
  const symbols = parts.symbols ?? [];
  const commands = [
    dylibCommand(0xd, parts.installName ?? "@rpath/a.dylib"),
    words(0x32, 24, parts.platform ?? 1, 0x000d0000, 0x001b0000, 0),
    ...(parts.libraries ?? []).map((path) => dylibCommand(0xc, path)),
    ...(parts.sections ? [segmentCommand(parts.sections)] : []),
    ...(parts.signature
      ? [words(0x1d, 16, parts.signature.offset, parts.signature.bytes)]
      : []),
  ];
  const before = 32 + concat(commands).length + 24;
  const strings = new TextEncoder().encode(
    "\0" + symbols.map(([name]) => `${name}\0`).join(""),
  );
  const stringsAt = before + symbols.length * 16;
  commands.push(
    words(0x2, 24, before, symbols.length, stringsAt, strings.length),
  );
  let name = 1;
  const table = symbols.map(([text, type, description]) => {
    const entry = words(name, type | (description << 16), 0, 0);
    name += text.length + 1;
    return entry;
  });
  const processor = parts.arm64 ?? true ? [0x0100000c, 0] : [0x01000007, 3];
  const body = concat(commands);
  return concat([
    words(0xfeedfacf, ...processor, parts.fileType ?? 6),
    words(commands.length, body.length, 0, 0),
    body,
    ...table,
    strings,
    new Uint8Array(parts.padding ?? 0),
  ]);
}
