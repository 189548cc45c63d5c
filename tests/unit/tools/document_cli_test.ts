import { assertEquals } from "@std/assert";
import { COMMANDS } from "../../../cli/commands.ts";
import { document } from "../../../tools/document_cli.ts";
import { permittedTest } from "../../helpers/permitted.ts";

permittedTest("docs/cli.md is what `deno task document:cli` writes", {
  read: true,
}, async () => {
  const path = new URL("../../../docs/cli.md", import.meta.url);
  assertEquals(document(COMMANDS), await Deno.readTextFile(path));
});
