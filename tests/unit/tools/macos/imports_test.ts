import { assertEquals, assertThrows } from "@std/assert";
import {
  availabilityProgram,
  importProblems,
  parseImports,
} from "../../../../tools/macos/imports.ts";
import { type Imported, readDylib } from "../../../../tools/macos/mach_o.ts";
import { stubExports } from "../../../../tools/macos/stub.ts";
import { machO } from "../../../helpers/mach_o.ts";

const STUB = `--- !tapi-tbd
targets:         [ x86_64-macos, arm64e-macos ]
exports:
  - targets:         [ x86_64-macos, x86_64-maccatalyst ]
    symbols:         [ _old, '_open$NOCANCEL' ]
  - targets:         [ x86_64-macos, arm64e-macos,
                       arm64e.x1-macos ]
    symbols:         [ _free,
                       _malloc ]
    weak-symbols:    [ _maybe ]
--- !tapi-tbd
exports:
  - targets:         [ arm64-macos ]
    symbols:         [ _new ]
  - targets:         [ arm64e-maccatalyst ]
    symbols:         [ _elsewhere ]
`;

const problems = (list: string, ...imports: Imported[]): string[] =>
  importProblems(
    parseImports(list),
    { ...readDylib(machO({})), imports },
    STUB,
  );

Deno.test("a stub's names are those of the processor, in all its libraries", () => {
  assertEquals(
    [...stubExports(STUB, "x86_64")],
    ["_old", "_open$NOCANCEL", "_free", "_malloc", "_maybe"],
  );
  assertEquals(
    [...stubExports(STUB, "arm64")],
    ["_free", "_malloc", "_maybe", "_new"],
  );
});

Deno.test("the list says name, header and strength", () => {
  assertEquals(
    parseImports(
      "# all\n_free stdlib.h\n\n_maybe  maybe.h weak # since 14\n__tlv - # by the compiler\n",
    ),
    [
      { name: "_free", header: "stdlib.h", weak: false },
      { name: "_maybe", header: "maybe.h", weak: true },
      { name: "__tlv", weak: false },
    ],
  );
});

Deno.test("a line that says too little is refused", () => {
  assertThrows(() => parseImports("_free"), Error, "Cannot read");
  assertThrows(() => parseImports("_free a.h b.h"), Error, "Cannot read");
  assertThrows(() => parseImports("_a a.h weak b # c"), Error, "Cannot read");
  assertThrows(() => parseImports("_tlv -"), Error, "needs a reason");
  assertThrows(() => parseImports("_maybe a.h weak"), Error, "needs a reason");
  assertThrows(() => parseImports("_a a.h\n_a a.h"), Error, "there twice");
});

Deno.test("imports, list and stub have to agree", () => {
  const free = { name: "_free", weak: false };
  assertEquals(problems("_free stdlib.h", free), []);
  assertEquals(problems("", free), [
    "arm64: _free is not in the reviewed list",
  ]);
  assertEquals(problems("_free stdlib.h"), [
    "arm64: _free is reviewed, and not imported any more",
  ]);
  assertEquals(problems("_free stdlib.h weak # why", free), [
    "arm64: _free is imported strongly, and reviewed as imported weakly",
  ]);
  assertEquals(problems("_old old.h", { name: "_old", weak: false }), [
    "arm64: _old is not in libSystem",
  ]);
});

Deno.test("the availability program names strong imports as C does", () => {
  assertEquals(
    availabilityProgram(parseImports(
      "_open$NOCANCEL fcntl.h\n_free stdlib.h\n_close fcntl.h\n_a a.h weak # b\n_c - # d",
    )),
    `#include <fcntl.h>
#include <stdlib.h>
__attribute__((used)) static const void *const imports[] = {
    (const void *)&open,
    (const void *)&free,
    (const void *)&close,
};
`,
  );
});

Deno.test("a name of Intel's with its suffix is the one without", () => {
  const intel = readDylib(machO({}));
  const stub = STUB.replace("_old,", "_old, '_fstat$INODE64',");
  const imports = [{ name: "_fstat$INODE64", weak: false }];
  const reviewed = parseImports("_fstat sys/stat.h");
  const found = (text: string): string[] =>
    importProblems(
      reviewed,
      { ...intel, architecture: "x86_64", imports },
      text,
    );
  assertEquals(found(stub), []);
  assertEquals(found(STUB), ["x86_64: _fstat$INODE64 is not in libSystem"]);
});

Deno.test("what clears memory has another name on Intel", () => {
  const intel = readDylib(machO({}));
  const imports = [{ name: "___bzero", weak: false }];
  const stub = STUB.replace("_old,", "_old, ___bzero,");
  assertEquals(
    importProblems(
      parseImports("_bzero strings.h"),
      { ...intel, architecture: "x86_64", imports },
      stub,
    ),
    [],
  );
});
