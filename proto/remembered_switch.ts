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

/** The switch after an event, and what the other end is to be told, if anything. */
export function switchStep(
  before: RememberedSwitch,
  event: "on" | "off" | "open",
): { readonly after: RememberedSwitch; readonly tell: boolean | undefined } {
  const next = event === "open"
    ? { ...before, open: true }
    : { ...before, wanted: event === "on" };
  return next.open && next.wanted !== next.told
    ? { after: { ...next, told: next.wanted }, tell: next.wanted }
    : { after: next, tell: undefined };
}
