/**
 * A switch whose other end may not be there yet: what is wanted is remembered,
 * and told once the gate opens, exactly once, and not at all if it was taken
 * back in between. Pure.
 *
 * @module
 */

/** A switch. `on` is start or pause, off is stop or resume. */
export interface RememberedSwitch {
  /** Whether the other end can be told. */
  readonly open: boolean;
  /** What this end wants. */
  readonly wanted: boolean;
  /** What the other end was told last; off before it was told anything. */
  readonly told: boolean;
}

/** Nothing wanted, nobody there. */
export const SWITCH_OFF: RememberedSwitch = {
  open: false,
  wanted: false,
  told: false,
};

/** What happens to a switch. After `close` there may be another end, which was told nothing. */
export type SwitchEvent = "on" | "off" | "open" | "close";

function after(
  before: RememberedSwitch,
  event: SwitchEvent,
): RememberedSwitch {
  if (event === "open") return { ...before, open: true };
  if (event === "close") return { ...before, open: false, told: false };
  return { ...before, wanted: event === "on" };
}

/** The switch after an event, and what the other end is to be told, if anything. */
export function switchStep(
  before: RememberedSwitch,
  event: SwitchEvent,
): { readonly after: RememberedSwitch; readonly tell: boolean | undefined } {
  const next = after(before, event);
  return next.open && next.wanted !== next.told
    ? { after: { ...next, told: next.wanted }, tell: next.wanted }
    : { after: next, tell: undefined };
}
