/**
 * The name of a client in lines for people, who may see those of many clients.
 *
 * @module
 */

import { escapeControls } from "../proto/escape.ts";

/** Returns the name of a client: the processor's id if the owner gave one, else the file name of its module. It has no line breaks. */
export function clientName(
  processorId: string | undefined,
  module: URL,
): string {
  return escapeControls(processorId || fileName(module));
}

function fileName({ protocol, pathname, href }: URL): string {
  if (protocol === "data:") return protocol; // the rest is code
  const last = pathname.slice(pathname.lastIndexOf("/") + 1);
  try {
    return decodeURIComponent(last) || href;
  } catch {
    return last;
  }
}
