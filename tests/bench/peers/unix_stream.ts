/** The usual choice in Deno: a Unix stream to another process. */

import { PrivateDirectory } from "../../helpers/grpc_fixture.ts";
import type { Extent, SubjectPlan } from "../harness/subject.ts";
import { Program } from "../program.ts";
import { type Echo, echoPlan } from "./echo.ts";

/** Round trips over a Unix stream. */
export function unixStream(
  count: Readonly<Record<Extent, number>>,
): SubjectPlan {
  return echoPlan("Deno Unix stream", count, async (): Promise<Echo> => {
    await using held = new AsyncDisposableStack();
    const path = `${held.use(new PrivateDirectory()).path}/echo`;
    const program = held.use(Program.deno("echo.ts", ["stream", path]));
    await program.line();
    const connection = held.use(
      await Deno.connect({ transport: "unix", path }),
    );
    const buffer = new Uint8Array(4096);
    const resources = held.move();
    return {
      pid: program.pid,
      async trip(message) {
        await connection.write(message);
        for (let got = 0; got < message.length;) {
          got += await connection.read(buffer) ?? Infinity;
        }
      },
      [Symbol.asyncDispose]: () => resources.disposeAsync(),
    };
  });
}
