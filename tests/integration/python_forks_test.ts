/** Processors in Python that make child processes, which inherit the channel of their parent. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ReactiveHost } from "../../host/mod.ts";
import { TICKS } from "../fixtures/tick_port.ts";
import { isolatedHome } from "../helpers/home.ts";
import { sendTick } from "../helpers/hosts.ts";
import { leavesNothing } from "../helpers/leaks.ts";
import { HOST_NEEDS, permittedTest } from "../helpers/permitted.ts";
import { lacksPython } from "../helpers/python_programs.ts";
import { soon } from "../helpers/soon.ts";

/** What a child does, and what its parent says of it. */
const CHILDREN: Readonly<Record<string, string>> = {
  "exits with 0": "0",
  "exits with 3": "3",
  "leaves at once": "4",
  "raises": "1",
  "returns": "0",
  "reads": "0",
  "sends": "1",
  "fork": "[0, 1, 4, 9]",
  "spawn": "[0, 1, 4, 9]",
  "forkserver": "[0, 1, 4, 9]",
};

const lacking = await lacksPython();

for (const isAsync of [false, true]) {
  for (const path of ["lane", "dictionary"] as const) {
    const what = `${isAsync ? "async" : "sync"}, ${path}`;
    permittedTest(
      `children of a processor in Python end, and nothing of their parent's channel ends with them: ${what}`,
      { ...HOST_NEEDS, linux: "/proc", long: true, lacking },
      async () => {
        using home = isolatedHome();
        await leavesNothing(home.runDirectory, async () => {
          let output = "";
          const text = new TextDecoder();
          const warnings: string[] = [];
          await using host = ReactiveHost.launch({
            module: new URL("../fixtures/python/forks.py", import.meta.url),
            env: { ASYNC: isAsync ? "1" : "0" },
            inputs: { ticks: TICKS },
            outputs: { ticks: TICKS },
            path,
            output: (chunk) => void (output += text.decode(chunk)),
            warn: (text) => void warnings.push(text),
          });
          await soon(host.ready, "ready");
          const answer = async (word: string): Promise<string> => {
            using tick = await soon(host.output.ticks.next(), `after ${word}`);
            assert(tick, "the channel has ended");
            assertEquals(tick.schema_name, word);
            assertEquals(Number(tick.timestamp_ns), host.clientPid);
            return new TextDecoder().decode(tick.data);
          };
          for (const [word, says] of Object.entries(CHILDREN)) {
            await sendTick(host, word);
            // These wait while the child lives, which must not take them.
            for (const next of ["first", "second"]) await sendTick(host, next);
            assertEquals(await answer(word), says, `${word}\n${output}`);
            for (const next of ["first", "second"]) await answer(next);
          }
          const pid = host.clientPid;
          await soon(host.close(), "close");
          const teardowns = output.match(/teardown in \d+/g);
          assertEquals(teardowns, [`teardown in ${pid}`], output);
          assertStringIncludes(output, "RuntimeError: in the child");
          assertStringIncludes(output, "the child: closed: ");
          assertEquals(warnings, []);
        });
      },
    );
  }
}
