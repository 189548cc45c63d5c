/** A Worker: another thread of the same process. The message is copied in each direction. */

import type { Extent, SubjectPlan } from "../harness/subject.ts";
import { type Echo, echoPlan } from "./echo.ts";

/** Round trips by `postMessage`. */
export function worker(count: Readonly<Record<Extent, number>>): SubjectPlan {
  return echoPlan("Worker, postMessage", count, (): Promise<Echo> => {
    const other = new Worker(
      new URL("../programs/echo_worker.ts", import.meta.url),
      { type: "module" },
    );
    let came = (): void => {};
    let failed = (_: Error): void => {};
    other.onmessage = () => came();
    other.onerror = ({ message }) => failed(new Error(message));
    return Promise.resolve({
      pid: undefined,
      trip: (message) =>
        new Promise((resolve, reject) => {
          [came, failed] = [resolve, reject];
          other.postMessage(message);
        }),
      [Symbol.asyncDispose]: () => Promise.resolve(other.terminate()),
    });
  });
}
