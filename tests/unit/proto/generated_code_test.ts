import { assert, assertEquals } from "@std/assert";
import { canGenerate, Code, property } from "../../../proto/generated_code.ts";
import { permittedTest } from "../../helpers/permitted.ts";

Deno.test("generated code has its constants, and names of properties are no code", () => {
  const name = 'a"]; throw 1; ["';
  const code = new Code();
  const double = code.constant((value: number) => 2 * value);
  code.add(`return ${double}(${property("object", name)});`);
  const make = code.make("object") as (object: object) => unknown;
  assertEquals(make({ [name]: 21 }), 42);
});

permittedTest("where V8 forbids to generate code that is known", {
  read: true,
  run: true,
}, async () => {
  assert(canGenerate());
  const module = new URL(
    "../../../proto/generated_code.ts",
    import.meta.url,
  );
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      "--v8-flags=--disallow-code-generation-from-strings",
      `import { canGenerate } from "${module}"; console.log(canGenerate());`,
    ],
  }).output();
  assertEquals(new TextDecoder().decode(stdout), "false\n");
});
