import { assertEquals } from "@std/assert";
import { atMost, TWICE_THE_CORES } from "../helpers/at_most.ts";
import { run } from "../helpers/child.ts";
import { isolatedHome } from "../helpers/home.ts";
import { HOST_NEEDS, permittedTest } from "../helpers/permitted.ts";
import { until } from "../helpers/soon.ts";

/** Each way to end, with its exit code: any other code is a crash. */
const KINDS: [kind: string, code: number][] = [
  ["end", 0],
  ["uncaught", 1],
  ["close", 0],
  ["worker", 0],
];

interface Outcome {
  code: number;
  flowing: boolean;
  stderr: string;
}

async function exitOnce(kind: string): Promise<Outcome> {
  const { code, stdout, stderr } = await run(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--allow-all",
      "--no-check",
      new URL("../fixtures/exits/exit.ts", import.meta.url).href,
      kind,
    ],
  });
  return { code, flowing: stdout.trim() === "flowing", stderr };
}

/** Processes whose environment names this home: clients that were left behind, for instance. */
function processesOf(home: string): number[] {
  const found: number[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name) || Number(name) === Deno.pid) continue;
    try {
      const environment = Deno.readTextFileSync(`/proc/${name}/environ`);
      if (environment.includes(home)) found.push(Number(name));
    } catch {
      // it ended during the search
    }
  }
  return found;
}

function killAll(pids: number[]): void {
  for (const pid of pids) {
    try {
      Deno.kill(pid, "SIGKILL");
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error; // it has ended
    }
  }
}

/** Ends `count` processes, several at once. */
async function exits(
  kind: string,
  code: number,
  count: number,
  atOnce: number,
): Promise<void> {
  using home = isolatedHome();
  try {
    const outcomes: Outcome[] = [];
    await atMost(
      atOnce,
      Array(count).keys(),
      async () => void outcomes.push(await exitOnce(kind)),
    );
    assertEquals(outcomes.length, count);
    assertEquals(
      outcomes.filter((outcome) => outcome.code !== code || !outcome.flowing),
      [],
    );
    // Every client must notice that its host is gone.
    await until(
      "the end of the clients",
      () => processesOf(home.path).length === 0,
      () => `of processes ${processesOf(home.path)}`,
    );
    assertEquals([...Deno.readDirSync(home.path)], []); // no directory, no socket, no lock
  } finally {
    killAll(processesOf(home.path));
  }
}

for (const [kind, code] of KINDS) {
  permittedTest(
    `exits under traffic without a crash: ${kind}`,
    HOST_NEEDS,
    () => exits(kind, code, 2, 2),
  );
}

for (const [kind, code] of KINDS) {
  permittedTest(
    `50 exits under traffic without a crash: ${kind}`,
    { ...HOST_NEEDS, exhaustive: true },
    () => exits(kind, code, 50, TWICE_THE_CORES),
  );
}
