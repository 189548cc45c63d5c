/**
 * Stand-ins for `@std`: packages of the same names with only the functions that
 * this project uses, as thin wrappers over `node:`.
 */

/** The files of the packages, by path. */
const STAND_INS: Record<string, string> = {
  "assert/deno.json":
    `{ "name": "@std/assert", "version": "1.0.99", "license": "MIT", "exports": "./mod.ts" }\n`,
  "assert/mod.ts": `import nodeAssert from "node:assert";
export class AssertionError extends Error {
  override name = "AssertionError";
}
const guarded = (run: () => void): void => {
  try {
    run();
  } catch (error) {
    throw new AssertionError((error as Error).message);
  }
};
export function assert(value: unknown, message = ""): asserts value {
  if (!value) throw new AssertionError(message || "Expected a truthy value");
}
export function assertEquals<T>(actual: T, expected: T, message?: string): void {
  guarded(() => nodeAssert.deepStrictEqual(actual, expected, message as string));
}
export function assertNotEquals<T>(actual: T, expected: T, message?: string): void {
  guarded(() => nodeAssert.notDeepStrictEqual(actual, expected, message as string));
}
export function assertStrictEquals<T>(actual: unknown, expected: T, message?: string): asserts actual is T {
  guarded(() => nodeAssert.strictEqual(actual, expected, message as string));
}
export function assertMatch(actual: string, expected: RegExp, message?: string): void {
  guarded(() => nodeAssert.match(actual, expected, message as string));
}
export function assertStringIncludes(actual: string, expected: string, message?: string): void {
  if (!actual.includes(expected)) {
    throw new AssertionError(message ?? \`Expected "\${actual}" to include "\${expected}"\`);
  }
}
function check(error: unknown, ErrorClass?: new (...args: any[]) => Error, text?: string): void {
  if (!(error instanceof Error)) throw new AssertionError("A non-Error was thrown: " + error);
  const { name, message } = error;
  if (ErrorClass && !(error instanceof ErrorClass)) {
    throw new AssertionError(\`Expected \${ErrorClass.name}, got \${name}: \${message}\`);
  }
  if (text && !message.includes(text)) {
    throw new AssertionError(\`Expected the message to include "\${text}", got "\${message}"\`);
  }
}
export function assertThrows<E extends Error = Error>(
  run: () => unknown,
  ErrorClass?: new (...args: any[]) => E,
  text?: string,
): E {
  try {
    run();
  } catch (error) {
    check(error, ErrorClass, text);
    return error as E;
  }
  throw new AssertionError("Expected the function to throw");
}
export async function assertRejects<E extends Error = Error>(
  run: () => PromiseLike<unknown>,
  ErrorClass?: new (...args: any[]) => E,
  text?: string,
): Promise<E> {
  try {
    await run();
  } catch (error) {
    check(error, ErrorClass, text);
    return error as E;
  }
  throw new AssertionError("Expected the function to reject");
}
`,
  "cli/deno.json":
    `{ "name": "@std/cli", "version": "1.0.99", "license": "MIT", "exports": { "./parse-args": "./parse_args.ts", "./unicode-width": "./unicode_width.ts" } }\n`,
  "cli/parse_args.ts": `import { parseArgs as nodeParseArgs } from "node:util";
export interface ParseOptions {
  boolean?: readonly string[];
  string?: readonly string[];
  alias?: Record<string, string>;
  default?: Record<string, unknown>;
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}
export function parseArgs(args: string[], options: ParseOptions = {}): Record<string, any> & { _: string[] } {
  const short = Object.fromEntries(
    Object.entries(options.alias ?? {}).map(([a, b]) => a.length === 1 ? [b, a] : [a, b]),
  );
  const define = (type: "boolean" | "string") => (name: string) =>
    [name, { type, ...(short[name] ? { short: short[name] } : {}) }] as const;
  const { tokens } = nodeParseArgs({
    args,
    strict: false,
    allowPositionals: true,
    tokens: true,
    options: Object.fromEntries([
      ...(options.boolean ?? []).map(define("boolean")),
      ...(options.string ?? []).map(define("string")),
    ]),
  });
  const result: Record<string, any> & { _: string[] } = { _: [], ...options.default };
  for (const name of options.boolean ?? []) result[name] ??= false;
  let ended = false;
  for (const token of tokens) {
    ended ||= token.kind === "option-terminator";
    if (token.kind === "positional") {
      if (ended || options.unknown?.(token.value) !== false) result._.push(token.value);
    } else if (token.kind === "option") {
      const known = options.boolean?.includes(token.name) || options.string?.includes(token.name);
      const value = options.string?.includes(token.name) ? token.value ?? "" : token.value ?? true;
      if (!known && options.unknown?.(token.rawName, token.name, value) === false) continue;
      result[token.name] = value;
    }
  }
  return result;
}
`,
  // The common ranges only, not the whole table of the Unicode standard.
  "cli/unicode_width.ts": `const ZERO = /[\\p{Mn}\\p{Me}\\p{Cf}\\p{Cc}]/u;
const WIDE = /[\\u1100-\\u115f\\u2e80-\\u303e\\u3041-\\ua4cf\\uac00-\\ud7a3\\uf900-\\ufaff\\ufe30-\\ufe6f\\uff00-\\uff60\\uffe0-\\uffe6\\u{20000}-\\u{3fffd}]|\\p{Emoji_Presentation}/u;
export function unicodeWidth(text: string): number {
  return [...text].reduce((sum, c) => sum + (ZERO.test(c) ? 0 : WIDE.test(c) ? 2 : 1), 0);
}
`,
};

/**
 * Writes the packages below `folder`, a folder each. Safe when other processes
 * read or write there: everything is written below `scratch`, a new folder on
 * the same file system, and then renamed. Files that are as they should be stay
 * untouched.
 */
export async function writeStandIns(
  folder: URL,
  scratch: URL,
): Promise<void> {
  for (const [path, text] of Object.entries(STAND_INS)) {
    const file = new URL(path, scratch);
    await Deno.mkdir(new URL(".", file), { recursive: true });
    await Deno.writeTextFile(file, text);
  }
  await Deno.mkdir(folder, { recursive: true });
  const names = Object.keys(STAND_INS).map((path) => path.split("/")[0]!);
  for (const name of new Set(names)) {
    const isThere = await Deno.stat(new URL(name, folder))
      .then(() => true, () => false);
    if (isThere) continue;
    try {
      await Deno.rename(new URL(name, scratch), new URL(name, folder));
    } catch (error) {
      // Another process has made it in the meantime: its files are compared below.
      await Deno.stat(new URL(name, folder)).catch(() => {
        throw error;
      });
    }
  }
  for (const [path, text] of Object.entries(STAND_INS)) {
    const file = new URL(path, folder);
    const current = await Deno.readTextFile(file).catch(() => undefined);
    if (current === text) continue;
    await Deno.rename(new URL(path, scratch), file);
  }
}
