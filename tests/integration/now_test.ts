import { assert, assertEquals } from "@std/assert";
import { Native } from "../../ffi/native.ts";
import { now } from "../../host/mod.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { soon } from "../helpers/soon.ts";

Deno.test("now goes on, with a shim that is open and without", () => {
  const times = [now(), now()];
  {
    using _ = Native.open();
    times.push(now(), now());
  }
  times.push(now());
  assertEquals(
    times,
    times.toSorted((a, b) => Number(a - b)),
    "it never goes back",
  );
  assert(times[0]! > 0n);
});

Deno.test("the clock of the shim is that of performance.now, of which a broker makes times of day", () => {
  const begun = performance.now();
  using native = Native.open();
  const before = performance.now();
  const time = native.clock.now();
  const after = performance.now();
  const apart = before - begun; // the zero was found meanwhile
  assert(time >= before - apart && time <= after + apart, `${time}, ${before}`);
});

permittedTest(
  "now is the same clock in another process",
  { run: true, read: true, write: true, env: true },
  async () => {
    const module = new URL("../../host/mod.ts", import.meta.url);
    const before = now();
    const { stdout, code } = await soon(
      new Deno.Command(Deno.execPath(), {
        args: [
          "eval",
          `import { now } from "${module}"; console.log(String(now()))`,
        ],
        stderr: "inherit",
      }).output(),
      "the other process",
    );
    const after = now();
    assertEquals(code, 0);
    const there = BigInt(new TextDecoder().decode(stdout).trim());
    assert(before < there && there < after, `${before} ${there} ${after}`);
  },
);
