/**
 * The corpus of a fuzzer: `c/fuzz/<name>.corpus`, a text file with one input per
 * line, in hex, sorted. Lines that begin with `#` are comments.
 */

import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { OUT } from "../c/compile.ts";
import { ROOT } from "../checkout.ts";

/** A fuzzer: `c/fuzz/<name>_fuzz.c`. */
export type Fuzzer = "wire" | "sequence" | "bootstrap" | "lane";

/** Every fuzzer. */
export const FUZZERS: readonly Fuzzer[] = [
  "wire",
  "sequence",
  "bootstrap",
  "lane",
];

/** The path of a fuzzer's corpus, from the root of the checkout. */
export function corpusPath(fuzzer: Fuzzer): string {
  return `c/fuzz/${fuzzer}.corpus`;
}

/** The inputs in the text of a corpus. Throws if a line is not hex. */
export function parseCorpus(text: string): Uint8Array[] {
  return text.split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => Uint8Array.fromHex(line));
}

/** The text of a corpus: each input once, sorted. An empty input is left out: every fuzzer tries it anyway. */
export function formatCorpus(
  fuzzer: Fuzzer,
  inputs: readonly Uint8Array[],
): string {
  const lines = new Set(inputs.map((input) => input.toHex()));
  lines.delete("");
  return [
    `# Inputs of c/fuzz/${fuzzer}_fuzz.c: one per line, in hex, sorted.`,
    "# `deno task fuzz --keep` writes this file.",
    ...[...lines].sort(),
    "",
  ].join("\n");
}

/** The inputs of a fuzzer's corpus. */
export async function readCorpus(fuzzer: Fuzzer): Promise<Uint8Array[]> {
  return parseCorpus(
    await Deno.readTextFile(new URL(corpusPath(fuzzer), ROOT)),
  );
}

/** Writes a fuzzer's corpus. */
export async function writeCorpus(
  fuzzer: Fuzzer,
  inputs: readonly Uint8Array[],
): Promise<void> {
  const text = formatCorpus(fuzzer, inputs);
  await Deno.writeTextFile(new URL(corpusPath(fuzzer), ROOT), text);
}

/** The files of a folder, as inputs. */
export async function readInputs(folder: string): Promise<Uint8Array[]> {
  const names = await Array.fromAsync(Deno.readDir(folder));
  return await Promise.all(
    names.map(({ name }) => Deno.readFile(`${folder}/${name}`)),
  );
}

/** Writes a fuzzer's corpus as a folder below `c/out/`, one file per input, and returns its path. */
export async function expandCorpus(fuzzer: Fuzzer): Promise<string> {
  const folder = fileURLToPath(new URL(`${fuzzer}_fuzz.corpus`, OUT));
  await Deno.remove(folder, { recursive: true }).catch(() => {});
  await Deno.mkdir(folder, { recursive: true });
  for (const input of await readCorpus(fuzzer)) {
    const name = createHash("sha256").update(input).digest("hex").slice(0, 32);
    await Deno.writeFile(`${folder}/${name}`, input);
  }
  return folder;
}
