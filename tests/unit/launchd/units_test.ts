import { assertEquals, assertThrows } from "@std/assert";
import { ServiceError } from "../../../launchd/service_error.ts";
import { serviceUnit, socketUnit } from "../../../launchd/units.ts";
import { assertGolden } from "../../helpers/golden.ts";
import { permittedTest } from "../../helpers/permitted.ts";
import { AWKWARD, namesOf, programOf } from "../../helpers/service.ts";

permittedTest(
  "units: the socket and the service, also where paths are awkward",
  { read: true },
  async () => {
    for (const [end, home] of [["", "/home/ada"], ["_awkward", AWKWARD]]) {
      const names = namesOf(home!, "linux");
      await assertGolden(`units${end}.socket`, socketUnit(names));
      await assertGolden(
        `units${end}.service`,
        serviceUnit(names, programOf(home!)),
      );
    }
  },
);

Deno.test("units: each word is quoted as systemd reads it", () => {
  const names = namesOf("/home/ada", "linux");
  const table: [word: string, text: string][] = [
    ["/usr/bin/deno", "/usr/bin/deno"],
    ["--allow-env=A,B", "--allow-env=A,B"],
    ["GRPC_*", '"GRPC_*"'],
    ["a b", '"a b"'],
    ["50%", '"50%%"'],
    ["$HOME", '"$HOME"'],
    ['say "hi"', '"say \\"hi\\""'],
    ["back\\slash", '"back\\\\slash"'],
    ["it's", '"it\'s"'],
    [";", '";"'],
    ["", '""'],
    ["é二", '"é二"'],
  ];
  const argv = table.map(([word]) => word);
  const unit = serviceUnit(names, { argv, environment: { A: "1 2", B: "%" } });
  const line = (key: string): string[] =>
    unit.split("\n").filter((line) => line.startsWith(`${key}=`));
  assertEquals(line("ExecStart"), [
    `ExecStart=:${table.map(([, text]) => text).join(" ")}`,
  ]);
  assertEquals(line("Environment"), [
    'Environment="A=1 2"',
    'Environment="B=%%"',
  ]);
});

Deno.test("units: what systemd would not start is started by a shell that becomes it", () => {
  const names = namesOf("/home/ada", "linux");
  const start = (path: string): string | undefined =>
    serviceUnit(names, { argv: [path, "run"], environment: {} })
      .split("\n").find((line) => line.startsWith("ExecStart="));
  const shell = `/bin/sh -c "exec \\"$0\\" \\"$@\\""`;
  assertEquals(start("/a b/deno"), 'ExecStart=:"/a b/deno" run');
  assertEquals(start("/it's/deno"), `ExecStart=:${shell} "/it's/deno" run`);
  assertEquals(start("/a\\b/deno"), `ExecStart=:${shell} "/a\\\\b/deno" run`);
});

Deno.test("units: a Mac has none", () => {
  const { code } = assertThrows(
    () => socketUnit(namesOf("/Users/ada", "darwin")),
    ServiceError,
  );
  assertEquals(code, "bad_argument");
});
