/**
 * What the owner of a connection is told.
 *
 * @module
 */

import type { ErrorCode } from "../proto/errors.ts";
import type { Message } from "./message.ts";
import type { ConnectionEnd } from "./native.ts";

/** The events of a connection. */
export interface ConnectionEvents {
  /** A message has arrived. The receiver owns it, and must dispose it. */
  message(message: Message): void;
  /**
   * The connection has ended. After `interrupted` it is still usable; `invalid`
   * is the last event. `reason` is text for people and may be "". `code` is
   * `outbox_full` if this side ended it because the peer does not read what was
   * sent to it, `malformed_message` if the peer sent what this process refuses,
   * `native_failure` if the system refuses something to this process, else
   * `channel_lost`: the peer ended it, or this process. `told`: the peer ended it
   * and said why, which code and reason are; then it is this process that does
   * not read, or has sent what the peer refuses.
   */
  ended(
    end: ConnectionEnd,
    reason: string,
    code: ErrorCode,
    told: boolean,
  ): void;
  /** A message was dropped: `problem` says which limit it exceeds. If it asked for a reply, it got one that says so. */
  malformed?(problem: string): void;
}
