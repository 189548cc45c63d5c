import { assertEquals } from "@std/assert";
import { isolatedHome } from "../helpers/home.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { soon } from "../helpers/soon.ts";

const EXITS_OF_EACH_KIND = 50;
const AT_ONCE = 4;

/** Each way to end, and the exit code that it must give: anything else is a crash. */
const KINDS: [kind: string, code: number][] = [
  ["end", 0],
  ["uncaught", 1],
  ["close", 0],
  ["worker", 0],
];

interface Outcome {
  code: number;
  signal: Deno.Signal | null;
  flowing: boolean;
  stderr: string;
}

async function exitOnce(kind: string): Promise<Outcome> {
  const { code, signal, stdout, stderr } = await new Deno.Command(
    Deno.execPath(),
    {
      args: [
        "run",
        "--quiet",
        "--allow-all",
        "--no-check",
        new URL("../fixtures/exits/exit.ts", import.meta.url).href,
        kind,
      ],
    },
  ).output();
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  return {
    code,
    signal,
    flowing: text(stdout).trim() === "flowing",
    stderr: text(stderr),
  };
}

/** Processes whose environment names this home: clients that were left behind, for instance. */
function processesOf(home: string): string[] {
  const found: string[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name) || Number(name) === Deno.pid) continue;
    try {
      const environment = Deno.readTextFileSync(`/proc/${name}/environ`);
      if (environment.includes(home)) found.push(name);
    } catch {
      // it ended while we looked
    }
  }
  return found;
}

for (const [kind, code] of KINDS) {
  permittedTest(
    `${EXITS_OF_EACH_KIND} exits under traffic without a crash: ${kind}`,
    {
      run: true,
      read: true,
      write: true,
      env: true,
      service: true,
    },
    async () => {
      using home = isolatedHome();
      const outcomes: Outcome[] = [];
      let started = 0;
      const runner = async (): Promise<void> => {
        while (started++ < EXITS_OF_EACH_KIND) {
          outcomes.push(await soon(exitOnce(kind), `an exit: ${kind}`, 60_000));
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, runner));
      assertEquals(outcomes.length, EXITS_OF_EACH_KIND);
      assertEquals(
        outcomes.filter((outcome) =>
          outcome.code !== code || outcome.signal !== null || !outcome.flowing
        ),
        [],
      );
      // Every client has noticed that its host is gone.
      const deadline = performance.now() + 5_000;
      while (processesOf(home.path).length > 0) {
        if (performance.now() > deadline) {
          assertEquals(processesOf(home.path), [], "clients were left behind");
        }
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
  );
}
