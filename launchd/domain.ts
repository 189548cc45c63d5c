/**
 * The domain of launchd that a service of this user belongs to. A Mac has one domain for
 * the login at its screen, `gui/<uid>`, and one for all else of the user, `user/<uid>`,
 * which logins over ssh use. Not run on a Mac: docs/decisions/045 names the sources.
 *
 * @module
 */

import { escapeControls } from "../proto/escape.ts";
import { explainLaunchctl, launchctl } from "./launchctl.ts";
import type { RunProgram } from "./run_program.ts";
import { ServiceError } from "./service_error.ts";

/** A domain of launchd. */
export interface Domain {
  /** As launchctl has it: `gui/501`. */
  readonly name: string;
  /** The only session type of its agents, for `LimitLoadToSessionType`. */
  readonly sessionType: "Aqua" | "Background";
}

/** Where a service is, or would be loaded, and what its user must know of that. */
export interface DomainChoice {
  readonly domain: Domain;
  /** The user's other domain. */
  readonly other: Domain;
  /** Sentences; none for the usual case, a session at the screen. */
  readonly remarks: readonly string[];
}

/** What `launchctl managername` says in a session at the screen. */
const SCREEN = "Aqua";
/** Sessions of no user: those of the system, and of the window for the login. */
const OF_NO_USER = ["System", "LoginWindow"];
/** How much of an unknown answer is shown, in characters. */
const SHOWN = 40;

/** The domain of a login at the screen. */
function guiDomain(userId: number): Domain {
  return { name: `gui/${userId}`, sessionType: "Aqua" };
}

/** The domain of the user's other logins. */
function userDomain(userId: number): Domain {
  return { name: `user/${userId}`, sessionType: "Background" };
}

/** The domain of the session that this process is in. Throws ServiceError `no_manager` in a session of no user. */
export async function ownDomain(
  run: RunProgram,
  userId: number,
): Promise<Domain> {
  return (await ownSession(run, userId)).domain;
}

async function ownSession(
  run: RunProgram,
  userId: number,
): Promise<{ session: string; domain: Domain }> {
  const args = ["managername"];
  const ran = await launchctl(run, args);
  if (ran.code !== 0) throw explainLaunchctl(ran, args, `user/${userId}`);
  const session = escapeControls(ran.stdout.trim().slice(0, SHOWN));
  if (OF_NO_USER.includes(session)) {
    throw new ServiceError(
      "no_manager",
      `Cannot use launchd's agents here: this process is in a session of no user (launchctl managername: ${session}), as a daemon is`,
      "the same in a terminal on the Mac's screen, or over ssh",
    );
  }
  const domain = session === SCREEN ? guiDomain(userId) : userDomain(userId);
  return { session, domain };
}

/**
 * Finds the domain in which an agent is loaded; if it is in none, the domain of this
 * session.
 *
 * @throws {ServiceError} as {@link ownDomain} does
 */
export async function chooseDomain(
  run: RunProgram,
  label: string,
  userId: number,
): Promise<DomainChoice> {
  const { session, domain: own } = await ownSession(run, userId);
  const isThere = async (target: string): Promise<boolean> =>
    (await launchctl(run, ["print", target])).code === 0;
  const other = own.sessionType === SCREEN
    ? userDomain(userId)
    : guiDomain(userId);
  if (await isThere(`${own.name}/${label}`)) {
    return {
      domain: own,
      other,
      remarks: own.sessionType === SCREEN
        ? []
        : [inUserDomain(session, own, await isThere(`gui/${userId}`))],
    };
  }
  if (await isThere(`${other.name}/${label}`)) {
    const remark = inOtherDomain(session, own, other);
    return { domain: other, other: own, remarks: [remark] };
  }
  if (own.sessionType === SCREEN) return { domain: own, other, remarks: [] };
  const screen = await isThere(`gui/${userId}`);
  return { domain: own, other, remarks: [inUserDomain(session, own, screen)] };
}

function inUserDomain(
  session: string,
  { name }: Domain,
  screen: boolean,
): string {
  return screen
    ? `This session is not the one at the Mac's screen (launchctl managername: ${session}), so the service belongs to launchd's domain ${name}. Programs at the screen find it too, by Apple's manual of launchctl; this was not tried on a Mac.`
    : `Nobody is logged in at this Mac's screen (launchctl managername: ${session}), so the service belongs to launchd's domain ${name}. After a restart of the Mac launchd should load it when this user logs in, also over ssh; that was not tried on a Mac.`;
}

function inOtherDomain(session: string, own: Domain, other: Domain): string {
  return `This session (launchctl managername: ${session}) has launchd's domain ${own.name}, and the service is loaded in ${other.name}. Both see the same names, by Apple's manual of launchctl; this was not tried on a Mac. If programs here do not find the broker: \`streamlib broker uninstall\`, and then install it from this session.`;
}
