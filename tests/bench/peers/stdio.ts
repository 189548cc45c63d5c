/** A child process, with its standard input and output. */

import { kill } from "../../helpers/child.ts";
import type { Extent, SubjectPlan } from "../harness/subject.ts";
import { denoArguments } from "../program.ts";
import { type Echo, echoPlan } from "./echo.ts";

/** Round trips over a child's stdin and stdout. */
export function stdio(count: Readonly<Record<Extent, number>>): SubjectPlan {
  return echoPlan("child process, stdio", count, (): Promise<Echo> => {
    const child = new Deno.Command(Deno.execPath(), {
      args: denoArguments("echo.ts", "stdio"),
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    const reader = child.stdout.getReader();
    return Promise.resolve({
      pid: child.pid,
      async trip(message) {
        await writer.write(message);
        for (let got = 0; got < message.length;) {
          got += (await reader.read()).value?.length ?? Infinity;
        }
      },
      async [Symbol.asyncDispose]() {
        await writer.close().catch(() => {});
        await kill(child);
        await reader.cancel();
      },
    });
  });
}
