import { assertEquals } from "@std/assert";
import type { KeptText } from "../../../host/spawn/kept_files.ts";
import { PACKAGE_TEXT } from "../../../host/spawn/python/package_text.ts";
import { pythonModule } from "../../../tools/package/python_module.ts";

Deno.test("the Python package in a module is as it was; a checkout has none", async () => {
  const text: KeptText = {
    sha256: "ab12",
    files: {
      "__main__.py": 'print("\\n`${x}`")\r\n\u2028é\n',
      "streamlib_bridge/py.typed": "",
    },
  };
  const url = `data:text/javascript,${encodeURIComponent(pythonModule(text))}`;
  assertEquals((await import(url)).PACKAGE_TEXT, text);
  assertEquals(PACKAGE_TEXT, undefined);
});
