/**
 * A switch whose other end may not be connected yet. The wanted value is remembered and
 * sent once when the connection opens; it is not sent if it was changed back before.
 * Pure.
 *
 * @module
 */

/** A switch. `on` is start or pause, off is stop or resume. */
export interface RememberedSwitch {
  /** Whether the other end is connected. */
  readonly open: boolean;
  /** The value that this end wants. */
  readonly wanted: boolean;
  /** The value that was sent last; off before anything was sent. */
  readonly told: boolean;
}

/** Off, and not connected. */
export const SWITCH_OFF: RememberedSwitch = {
  open: false,
  wanted: false,
  told: false,
};

/** An event. After `close` another end may connect, which starts with off. */
export type SwitchEvent = "on" | "off" | "open" | "close";

function after(
  before: RememberedSwitch,
  event: SwitchEvent,
): RememberedSwitch {
  if (event === "open") return { ...before, open: true };
  if (event === "close") return { ...before, open: false, told: false };
  return { ...before, wanted: event === "on" };
}

/** Returns the switch after an event, and the value to send to the other end, if any. */
export function switchStep(
  before: RememberedSwitch,
  event: SwitchEvent,
): { readonly after: RememberedSwitch; readonly tell: boolean | undefined } {
  const next = after(before, event);
  return next.open && next.wanted !== next.told
    ? { after: { ...next, told: next.wanted }, tell: next.wanted }
    : { after: next, tell: undefined };
}
