/**
 * A proof that `c/linux/include/xpc` declares the same as Apple's headers.
 *
 * Apple's `<xpc/connection.h>` declares nothing if blocks are off, so the shim is
 * compiled with our header on macOS too. A wrong prototype in it would crash on
 * Macs only. So our header and Apple's are compiled as one source, with blocks
 * on, and every function, object, type and constant is compared.
 */

const HEADERS = "c/linux/include/";
const XPC_H = `${HEADERS}xpc/xpc.h`;
const BASE_H = `${HEADERS}xpc/base.h`;

/** A stretch of a file, without comments. */
interface HeaderPart {
  readonly path: string;
  /** The number of its first line. */
  readonly line: number;
  readonly text: string;
}

/** Our `<xpc/xpc.h>` in order, with the headers that it includes in their places. */
export type XpcHeader = readonly HeaderPart[];

/** The names that the header declares. */
interface XpcNames {
  readonly functions: readonly string[];
  readonly objects: readonly string[];
  readonly types: readonly string[];
  readonly constants: readonly string[];
}

async function readParts(root: URL, path: string): Promise<HeaderPart[]> {
  const text = (await Deno.readTextFile(new URL(path, root))).replace(
    /\/\*[\s\S]*?\*\//g,
    (comment) => " " + comment.replace(/[^\n]/g, ""),
  );
  const parts: HeaderPart[] = [];
  let line = 1;
  const pieces = text.split(/^(#include <xpc\/\w+\.h>)$/m);
  for (const piece of pieces) {
    const included = /^#include <(xpc\/\w+\.h)>$/.exec(piece)?.[1];
    if (!included) parts.push({ path, line, text: piece });
    else if (included !== "xpc/xpc.h") {
      parts.push(...await readParts(root, HEADERS + included));
    }
    line += piece.split("\n").length - 1;
  }
  return parts;
}

/** Reads our header from a checkout. */
export async function readXpcHeader(root: URL): Promise<XpcHeader> {
  return await readParts(root, XPC_H);
}

function all(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map((match) => match[1]!);
}

function textOf(header: XpcHeader): string {
  return header.map(({ text }) => text).join("");
}

/**
 * Returns all names that the header declares. Throws if an XPC_EXPORT was found
 * neither as a function nor as an object, so that none is forgotten.
 */
export function xpcNames(header: XpcHeader): XpcNames {
  const text = textOf(header);
  const functions = all(text, /\b(xpc_\w+)\(/g);
  const objects = all(text, /^XPC_EXPORT [^();]*?\b(_xpc_\w+);$/gm)
    .concat(all(text, /^XPC_EXPORT XPC_TYPE\((\w+)\);$/gm));
  const types = all(text, /^typedef .*?\b(\w+)(?:\[\d+\])?;$/gm)
    .concat(all(text, /^typedef .*?\([*^](\w+)\)\(.*;$/gm))
    .concat(all(text, /^XPC_DECL\((\w+)\);$/gm).map((name) => `${name}_t`));
  // The macros of base.h are used in declarations; all others are constants.
  const others = header.filter(({ path }) => path !== BASE_H);
  const constants = all(textOf(others), /^#define (XPC_\w+) /gm);
  const exported = all(text, /(?<!#define )\b(XPC_EXPORT)\b/g).length;
  if (functions.length + objects.length !== exported) {
    throw new Error(
      `Of ${exported} exports of the header ${functions.length} functions ` +
        `and ${objects.length} objects were found`,
    );
  }
  return { functions, objects, types: [...new Set(types)], constants };
}

/** Renames functions and macros. Types and objects keep their names: the compiler compares double declarations. */
function renamed(text: string): string {
  return text
    .replace(/\bxpc_\w+(?=\()/g, "ours_$&")
    .replace(/\b_*XPC_\w+/g, "ours_$&");
}

/** The operator with which a constant is compared: objects by their address. */
function comparable(name: string, header: XpcHeader): string {
  const isObject = new RegExp(`^#define ${name} _xpc_`, "m");
  return isObject.test(textOf(header)) ? "&" : "";
}

/** Returns a C program that compiles, with blocks, if Apple's headers declare the same as ours. */
export function declarationProof(header: XpcHeader): string {
  const { functions, objects, types, constants } = xpcNames(header);
  return [
    "#include <xpc/xpc.h>",
    "/* Apple has all of them. */",
    ...types.map((name) => `_Static_assert(sizeof(${name}) > 0, "${name}");`),
    ...objects.map((name) =>
      `_Static_assert(sizeof(&${name}) > 0, "${name}");`
    ),
    ...header.flatMap(({ path, line, text }) => [
      `#line ${line} "${path}"`,
      renamed(text),
    ]),
    '#line 1 "declarations"',
    ...functions.map((name) =>
      `_Static_assert(__builtin_types_compatible_p(__typeof__(ours_${name}), ` +
      `__typeof__(${name})), "${name} is not as Apple declares it");`
    ),
    ...constants.map((name) => {
      const at = comparable(name, header);
      return "_Static_assert(__builtin_types_compatible_p(" +
        `__typeof__(ours_${name}), __typeof__(${name})) && ` +
        `${at}ours_${name} == ${at}${name}, "${name} is not Apple's");`;
    }),
    "",
  ].join("\n");
}
