import { assertEquals } from "@std/assert";
import { PYTHON_TEXTS } from "../../../host/spawn/python/python_texts.ts";
import {
  pythonModule,
  type PythonTexts,
} from "../../../tools/package/python_module.ts";

Deno.test("the Python files in a module are as they were; a checkout has none", async () => {
  const texts: PythonTexts = {
    "client/python": {
      sha256: "ab12",
      files: {
        "__main__.py": 'print("\\n`${x}`")\r\n\u2028é\n',
        "streamlib_bridge/py.typed": "",
      },
    },
    "demo/python": { sha256: "cd34", files: { "edges.py": "" } },
  };
  const url = `data:text/javascript,${encodeURIComponent(pythonModule(texts))}`;
  assertEquals((await import(url)).PYTHON_TEXTS, texts);
  assertEquals(PYTHON_TEXTS, undefined);
});
