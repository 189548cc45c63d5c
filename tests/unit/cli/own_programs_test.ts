import { assert, assertEquals } from "@std/assert";
import { readArguments } from "../../../cli/arguments.ts";
import { demo } from "../../../cli/commands/demo.ts";
import {
  argumentsFor,
  demoProgram,
  probeProgram,
} from "../../../cli/own_programs.ts";
import { PASSED_ON } from "../../../host/spawn/client_environment.ts";
import { permittedTest } from "../../helpers/permitted.ts";

Deno.test("demo: all that follows goes to it as it is", () => {
  const args = ["--help", "-x", "--frames", "2", "--", "--json=no"];
  const read = readArguments(demo, args);
  assert(read !== "help");
  assertEquals(read.operands, args);
});

permittedTest(
  "demo: runs with what `deno task demo` gives it",
  { read: true },
  async () => {
    const root = new URL("../../../", import.meta.url);
    const { tasks } = JSON.parse(
      await Deno.readTextFile(new URL("deno.json", root)),
    );
    const flags = tasks.demo.command.match(/--allow-\S+/g);
    assertEquals([...demoProgram().permissions].sort(), flags.sort());
    const module = demoProgram().module.href;
    assertEquals(module.slice(root.href.length), "demo/main.ts");
    const line = argumentsFor(demoProgram(), ["--json"]);
    assertEquals(line.slice(line.indexOf(module)), [module, "--json"]);
  },
);

permittedTest(
  "doctor: its probe may read what a host passes on to its child, and is bound to places",
  { read: true },
  () => {
    const { permissions } = probeProgram("/bin/a,b/deno");
    const flag = (kind: string): string[] =>
      permissions.find((each) => each.startsWith(`--allow-${kind}=`))!
        .split("=")[1]!.split(/(?<!,),(?!,)/);
    assertEquals(flag("run"), ["/bin/a,,b/deno"]);
    assertEquals(flag("read").length, 1);
    assert(!permissions.some((each) => each.startsWith("--allow-write")));
    for (const name of PASSED_ON) {
      const may = flag("env").some((pattern) =>
        pattern.endsWith("*")
          ? name.startsWith(pattern.slice(0, -1))
          : pattern === name
      );
      assert(may, `${name} is not permitted`);
    }
  },
);
