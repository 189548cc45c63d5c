/**
 * Writes down the frame that a client had read last when it failed.
 *
 * @module
 */

import { describeError } from "../../proto/errors.ts";
import type { HostFailure } from "../host_failure.ts";

/** The most frames that are written for one host. */
const MAX_REPORTS = 100;

/**
 * Returns what writes the frame of a failure that the client had read last, if it
 * had not released it. What it returns resolves when the files are written, and
 * never rejects: `warn` is told where they are, or why there are none.
 *
 * @param directory is made if it does not exist
 * @param module that of the client
 */
export function crashReports(
  directory: string | URL,
  module: URL,
  warn: (text: string) => void,
): (failure: HostFailure) => Promise<void> {
  let written = 0;
  return async (failure) => {
    const last = failure.frames.find(({ isLastRead }) => isLastRead);
    if (!last || written === MAX_REPORTS) return;
    const { port, number } = last;
    const what = `frame ${number} of '${port}', which the client had read last`;
    written++;
    const isLast = written === MAX_REPORTS;
    try {
      const values = last.frame.copy(); // before anybody disposes the frame
      // Loaded for the first failure: most hosts never write a picture.
      const { writeCrash } = await import("./crash_files.ts");
      const { code, message } = failure;
      const path = await writeCrash(directory, {
        time: new Date(),
        module: module.href,
        code,
        message,
        port,
        number,
        values,
      });
      warn(
        `${what}, is in ${path}${
          isLast ? `; it is the last of ${MAX_REPORTS} that are written` : ""
        }`,
      );
    } catch (error) {
      warn(
        `cannot write ${what}, to ${directory}: ${describeError(error)}`,
      );
    }
  };
}
