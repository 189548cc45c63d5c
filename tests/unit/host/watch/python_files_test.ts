import { assertEquals } from "@std/assert";
import { pathToFileURL } from "node:url";
import {
  importedNames,
  pythonFiles,
} from "../../../../host/watch/python_files.ts";
import { FakePrograms } from "../../../helpers/fake_python.ts";
import { permittedTest } from "../../../helpers/permitted.ts";

Deno.test("what import statements name", () => {
  const names = importedNames(`
import os, sys as system  # import comment
import a.b.c
from words import WORD, two as three
from parts import (
    one,
    two,  # import three
)
from . import near
from ..far.away import *
def f():
    import late
    from long import \\
        broken
importance = 1
`);
  assertEquals(names.sort(), [
    "..far.away",
    ".near",
    "a.b.c",
    "late",
    "long",
    "long.broken",
    "os",
    "parts",
    "parts.one",
    "parts.two",
    "sys",
    "words",
    "words.WORD",
    "words.two",
  ]);
});

permittedTest(
  "the files of a Python module are those that it imports from its folder, at any depth",
  { read: true, write: true },
  async () => {
    using fake = new FakePrograms();
    const module = fake.write("app/blur.py", "import words, parts.kernel\n");
    fake.write("app/words.py", "import json\nfrom blur import x\n");
    fake.write("app/parts/__init__.py", "");
    fake.write("app/parts/kernel.py", "from . import table\nfrom .. import up");
    fake.write("app/parts/table.py", "syntax error(");
    fake.write("app/other.py", "");
    fake.write("up.py", "");
    const find = pythonFiles(pathToFileURL(module));
    const files = await find(new AbortController().signal);
    assertEquals(
      [...files].map((path) => path.slice(`${fake.folder}/app/`.length)).sort(),
      [
        "blur.py",
        "json.py", // it would be loaded if it were there
        "parts/__init__.py",
        "parts/kernel.py",
        "parts/table.py",
        "up.py",
        "words.py",
      ],
    );
  },
);
