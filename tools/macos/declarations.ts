/**
 * A proof that `c/linux/include/xpc` declares the same as Apple's headers.
 *
 * Apple's `<xpc/connection.h>` declares nothing if blocks are off, so the shim is
 * compiled with our header on macOS too. A wrong prototype in it would crash on
 * Macs only. So our header and Apple's are compiled as one source, with blocks
 * on, and every function, object, type and constant is compared.
 */

const XPC_H = "c/linux/include/xpc/xpc.h";
const CONNECTION_H = "c/linux/include/xpc/connection.h";

/** Our header as two texts, without comments, with unchanged line numbers. */
export interface XpcHeader {
  readonly xpc: string;
  readonly connection: string;
}

/** The names that the header declares. */
export interface XpcNames {
  readonly functions: readonly string[];
  readonly objects: readonly string[];
  readonly types: readonly string[];
  readonly constants: readonly string[];
}

/** Macros that are used in declarations; all others are constants. */
const PLUMBING = new Set(["XPC_EXPORT", "XPC_WARN_RESULT"]);

/** Reads our header from a checkout. */
export async function readXpcHeader(root: URL): Promise<XpcHeader> {
  const read = async (path: string): Promise<string> => {
    const text = await Deno.readTextFile(new URL(path, root));
    return text.replace(
      /\/\*[\s\S]*?\*\//g,
      (comment) => " " + comment.replace(/[^\n]/g, ""),
    );
  };
  return { xpc: await read(XPC_H), connection: await read(CONNECTION_H) };
}

function all(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map((match) => match[1]!);
}

/**
 * Returns all names that the header declares. Throws if an XPC_EXPORT was found
 * neither as a function nor as an object, so that none is forgotten.
 */
export function xpcNames(header: XpcHeader): XpcNames {
  const text = header.xpc + header.connection;
  const functions = all(text, /\b(xpc_\w+)\(/g);
  const objects = all(text, /^XPC_EXPORT [^();]*?\b(_xpc_\w+);$/gm)
    .concat(all(text, /^XPC_EXPORT XPC_TYPE\((\w+)\);$/gm));
  const types = all(text, /^typedef .*?\b(\w+)(?:\[\d+\])?;$/gm)
    .concat(all(text, /^typedef .*?\([*^](\w+)\)\(.*;$/gm))
    .concat(all(text, /^XPC_DECL\((\w+)\);$/gm).map((name) => `${name}_t`));
  const constants = all(text, /^#define (XPC_\w+) /gm)
    .filter((name) => !PLUMBING.has(name));
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
  return isObject.test(header.xpc + header.connection) ? "&" : "";
}

/** Returns a C program that compiles, with blocks, if Apple's headers declare the same as ours. */
export function declarationProof(header: XpcHeader): string {
  const { functions, objects, types, constants } = xpcNames(header);
  const include = "#include <xpc/connection.h>";
  const [before, after, ...more] = header.xpc.split(include);
  if (after === undefined || more.length > 0) {
    throw new Error(`${XPC_H} does not say once: ${include}`);
  }
  const line = before!.split("\n").length;
  return [
    "#include <xpc/xpc.h>",
    "/* Apple has all of them. */",
    ...types.map((name) => `_Static_assert(sizeof(${name}) > 0, "${name}");`),
    ...objects.map((name) =>
      `_Static_assert(sizeof(&${name}) > 0, "${name}");`
    ),
    `#line 1 "${XPC_H}"`,
    renamed(before!),
    `#line 1 "${CONNECTION_H}"`,
    renamed(header.connection),
    `#line ${line} "${XPC_H}"`,
    renamed(after),
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
