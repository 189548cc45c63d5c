import { assertEquals, assertThrows } from "@std/assert";
import {
  corpusPath,
  formatCorpus,
  FUZZERS,
  parseCorpus,
  readCorpus,
} from "../../../../tools/fuzz/corpus.ts";
import { permittedTest } from "../../../helpers/permitted.ts";

Deno.test("a corpus is written sorted, each input once, and read back", () => {
  const inputs = [[255], [0, 16], [], [255]].map((it) => new Uint8Array(it));
  const text = formatCorpus("wire", inputs);
  assertEquals(text.split("\n").slice(-3), ["0010", "ff", ""]);
  assertEquals(
    parseCorpus(text),
    [new Uint8Array([0, 16]), new Uint8Array([255])],
  );
});

Deno.test("a corpus may have comments and empty lines, and nothing that is not hex", () => {
  assertEquals(parseCorpus("# 00\n\n 0a \n"), [new Uint8Array([10])]);
  assertThrows(() => parseCorpus("0a\n0x0a\n"));
  assertThrows(() => parseCorpus("0a0\n"));
});

for (const fuzzer of FUZZERS) {
  permittedTest(
    `${corpusPath(fuzzer)} is as it would be written`,
    { read: true },
    async () => {
      const path = new URL(
        `../../../../${corpusPath(fuzzer)}`,
        import.meta.url,
      );
      assertEquals(
        await Deno.readTextFile(path),
        formatCorpus(fuzzer, await readCorpus(fuzzer)),
      );
    },
  );
}
