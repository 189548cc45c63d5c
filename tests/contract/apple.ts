/**
 * The suite for macOS, without a Mac: compiles and links it for both
 * processors, and looks up the sentence of each case in its header.
 */

import { Toolchain } from "../../tools/cross/toolchain.ts";
import { ARCHITECTURES, macosTarget } from "../../tools/macos/target.ts";
import { ROOT } from "../../tools/checkout.ts";
import { type Case, FLAGS, listSuite } from "./suite.ts";

const OUR_HEADERS = ["xpc.h", "connection.h", "endpoint.h"];

/** Documentation by header and symbol. */
export type Documentation = ReadonlyMap<string, string>;

function words(text: string): string {
  return text.replace(/^\s*\*+/gm, "").replace(/\s+/g, " ").trim();
}

/**
 * Reads the documentation of Apple's XPC headers from a preprocessed source
 * with comments. The keys are like `connection.h xpc_connection_cancel`.
 */
export function readDocumentation(preprocessed: string): Documentation {
  const found = new Map<string, string>();
  let header = "";
  const pattern =
    /^# \d+ "[^"\n]*?(?:\/xpc\/(\w+\.h))?"[^\n]*$|\/\*!([\s\S]*?)\*\//gm;
  for (const [all, file, comment] of preprocessed.matchAll(pattern)) {
    if (all.startsWith("#")) {
      header = file ?? "";
    } else if (header) {
      const text = words(comment!);
      const symbol = /@(?:function|define|constant|typedef) (\w+)/.exec(text);
      if (symbol) found.set(`${header} ${symbol[1]}`, text);
    }
  }
  return found;
}

/** Returns a message for each quotation that is not in its header. */
export function quoteProblems(
  cases: readonly Case[],
  apple: Documentation,
  ours: string,
): string[] {
  return cases.flatMap(({ case: name, header, symbol, sentence }) => {
    const text = header === "ours"
      ? ours
      : apple.get(`${header} ${symbol}`) ?? "";
    return text.includes(sentence) ? [] : [
      `"${name}" quotes ${header} ${symbol}, which does not say: ${sentence}`,
    ];
  });
}

/** Our own headers as one line of words, for the cases that quote them. */
export async function ourDocumentation(): Promise<string> {
  const texts = await Promise.all(
    OUR_HEADERS.map((name) =>
      Deno.readTextFile(new URL(`c/linux/include/xpc/${name}`, ROOT))
    ),
  );
  return words(texts.join("\n"));
}

/**
 * Compiles and links the suite for every processor, warnings as errors, and
 * returns Apple's documentation. Throws CompileError.
 */
export async function compileForMacos(): Promise<Documentation> {
  const toolchain = await Toolchain.open();
  const sources = await listSuite();
  const folder = await Deno.makeTempDir();
  try {
    for (const architecture of ARCHITECTURES) {
      await toolchain.cc(macosTarget(architecture), [
        ...FLAGS,
        "-fno-blocks",
        ...sources,
        "-o",
        `${folder}/suite`,
      ]);
    }
    await Deno.writeTextFile(`${folder}/all.c`, "#include <xpc/xpc.h>\n");
    await toolchain.cc(macosTarget("arm64"), [
      "-E",
      "-C",
      `${folder}/all.c`,
      "-o",
      `${folder}/all.i`,
    ]);
    return readDocumentation(await Deno.readTextFile(`${folder}/all.i`));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
