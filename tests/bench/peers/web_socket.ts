/** A WebSocket to another process, over the loopback interface. */

import type { Extent, SubjectPlan } from "../harness/subject.ts";
import { Program } from "../program.ts";
import { type Echo, echoPlan } from "./echo.ts";

/** Round trips by `WebSocket`. */
export function webSocket(
  count: Readonly<Record<Extent, number>>,
): SubjectPlan {
  return echoPlan("WebSocket, loopback", count, async (): Promise<Echo> => {
    await using held = new AsyncDisposableStack();
    const program = held.use(Program.deno("echo.ts", ["websocket"]));
    const socket = new WebSocket(`ws://127.0.0.1:${await program.line()}`);
    socket.binaryType = "arraybuffer";
    let came = (): void => {};
    let failed = (_: Error): void => {};
    const opened = Promise.withResolvers<void>();
    socket.onopen = () => opened.resolve();
    socket.onmessage = () => came();
    socket.onclose = socket.onerror = () => {
      const error = new Error("the WebSocket has closed");
      opened.reject(error);
      failed(error);
    };
    await opened.promise;
    held.defer(() => {
      socket.onclose = socket.onerror = null;
      socket.close();
    });
    const resources = held.move();
    return {
      pid: program.pid,
      trip: (message) =>
        new Promise((resolve, reject) => {
          [came, failed] = [resolve, reject];
          socket.send(message);
        }),
      [Symbol.asyncDispose]: () => resources.disposeAsync(),
    };
  });
}
