import { assert, assertEquals } from "@std/assert";
import type { Row } from "../bench/harness/rows.ts";
import { run } from "../helpers/child.ts";
import { PrivateDirectory } from "../helpers/grpc_fixture.ts";
import { permittedTest } from "../helpers/permitted.ts";

const MAIN = new URL("../bench/main.ts", import.meta.url).href;
const NEEDS = { run: true, read: true, write: true, env: true } as const;

function bench(...args: string[]): ReturnType<typeof run> {
  return run(Deno.execPath(), {
    args: ["run", "-q", "--no-lock", "--no-check", "-A", MAIN, ...args],
  });
}

permittedTest(
  "the bench prints a line of JSON for each measure, and a report",
  { ...NEEDS, exhaustive: true },
  async () => {
    using folder = new PrivateDirectory();
    const { code, stdout, stderr } = await bench(
      "--quick",
      "--json",
      "--only",
      "^(Deno Unix stream|Worker, postMessage|C, memcpy of 1080p)$",
      "--report",
      folder.path,
    );
    assertEquals(code, 0, stderr);
    const rows = stdout.trimEnd().split("\n").map((line): Row =>
      JSON.parse(line)
    );
    assertEquals(rows.map(({ measure }) => measure), [
      "Deno Unix stream",
      "Worker, postMessage",
      "C, memcpy of 1080p",
    ]);
    for (const row of rows) {
      assertEquals(Object.keys(row).slice(0, 8), [
        "measure",
        "value",
        "unit",
        "control",
        "control_value",
        "ratio",
        "target",
        "met",
      ]);
      // The controls in C are for Linux.
      if (row.reason === null) assert(row.value! > 0 && row.unit === "us");
      else assertEquals(row.reason, "the controls in C are for Linux");
    }
    const page = await Deno.readTextFile(`${folder.path}/report.html`);
    assert(page.includes("<svg") && page.includes("Worker, postMessage"));
    const raw = JSON.parse(await Deno.readTextFile(`${folder.path}/raw.json`));
    assertEquals([raw.rows.length, raw.runs.length], [3, 1]);
  },
);

permittedTest(
  "the bench lists its rows, and refuses wrong arguments",
  NEEDS,
  async () => {
    const listed = await bench("--list", "--only", "iceoryx2");
    assertEquals(
      listed.stdout,
      "round trip, 64 bytes, recvSync / iceoryx2, busy\niceoryx2, busy\n",
    );
    const refused = await bench("--only", "no such row");
    assertEquals([refused.code, refused.stdout], [2, ""]);
    assertEquals(
      refused.stderr,
      "bench: --only matches no row; see --list. See deno task bench --help.\n",
    );
  },
);
