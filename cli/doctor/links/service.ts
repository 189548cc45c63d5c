/**
 * Whether the service manager can run a broker. On macOS: in which of launchd's domains,
 * whether the program of the property list is still there, and whether launchd may read
 * it. On Linux the links after it show what systemd runs.
 *
 * @module
 */

import { Launchd } from "../../../launchd/launchd.ts";
import { isThere, lookAt } from "../../../launchd/files.ts";
import {
  type BrokerParts,
  isCopied,
  type UnfitPart,
  unfitParts,
} from "../../../launchd/kept_copy.ts";
import { WHY_UNFIT } from "../../../launchd/mac_folders.ts";
import { ServiceError } from "../../../launchd/service_error.ts";
import type { Names } from "../../../proto/names.ts";
import { packageModule } from "../../../proto/package_root.ts";
import { PROGRAM } from "../../command.ts";
import { managerTools } from "../../service.ts";
import type { Examination, Link } from "../examination.ts";
import { broken, type Finding, note, ok } from "../finding.ts";
import { partsIn } from "../installed.ts";

/** The link. */
export const serviceLink: Link = {
  name: "service",
  check: (examination) => checkService(examination, OWN_PARTS),
};

const UPDATE = `${PROGRAM} broker update`;

/** What `install` would install. */
const OWN_PARTS: Omit<BrokerParts, "library"> = {
  runtime: Deno.execPath(),
  module: packageModule("broker/main").href,
};

/** The finding for a service. `own`: what `install` would install. */
export async function checkService(
  { console, known }: Pick<Examination, "console" | "known">,
  own: Omit<BrokerParts, "library">,
): Promise<Finding> {
  const names = known.names!;
  if (names.plistFile === undefined) {
    return ok(
      "service",
      known.installed ? "systemd has its units" : "not installed",
    );
  }
  const installed = await partsOf(names);
  const fault = installed && await partFault(names, installed);
  if (fault) return fault;
  try {
    const manager = await Launchd.find(names, {
      ...managerTools(console),
      userId: console.userId(),
    });
    const { state, pid, reason, next } = await manager.report();
    if (next !== undefined) {
      return broken("service", "the broker is switched off", {
        why: reason ?? "",
        mend: next,
      });
    }
    const found = `launchd, ${manager.target}, ${
      pid !== undefined
        ? `process ${pid}`
        : state === "absent"
        ? "not installed"
        : state
    }`;
    const { why, mend } = await copyAdvice(names, installed, own);
    const all = [...manager.remarks, ...why];
    return all.length === 0 ? ok("service", found) : note("service", found, {
      why: all.join("\n"),
      ...(mend !== undefined && { mend }),
    });
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    return broken("service", "agents of launchd cannot be used here", {
      why: error.message,
      mend: error.next,
    });
  }
}

/** The parts of the installed service. The agent of one login is written anew by the host that needs it. */
async function partsOf({ plistFile }: Names): Promise<BrokerParts | undefined> {
  const found = await lookAt(plistFile!);
  return found.kind === "ours" ? partsIn(found.text) : undefined;
}

const WORDS: Readonly<Record<keyof BrokerParts, string>> = {
  runtime: "Deno",
  module: "module",
  library: "shim",
};

/** What is wrong with the parts in a property list. */
async function partFault(
  names: Names,
  parts: BrokerParts,
): Promise<Finding | undefined> {
  for (const part of ["runtime", "module", "library"] as const) {
    const path = parts[part];
    if (path === undefined || !path.startsWith("/")) continue;
    if (await isThere(path)) continue;
    return broken("service", `its ${WORDS[part]} is no longer at ${path}`, {
      why: "the broker was installed with a file that was moved or removed",
      mend: UPDATE,
    });
  }
  const [refused] = (await unfitParts(names, parts))
    .filter(({ kind }) => kind === "refused");
  return refused && broken(
    "service",
    `its ${WORDS[refused.part]} is in ${refused.folder}`,
    {
      why:
        `macOS does not let launchd's programs read that folder, so the broker cannot start; an update installs a copy of ${refused.path}`,
      mend: UPDATE,
    },
  );
}

/** What there is to know of a Deno in a cache, and of a checkout that `install` has copied or would copy. */
async function copyAdvice(
  names: Names,
  installed: BrokerParts | undefined,
  own: Omit<BrokerParts, "library">,
): Promise<{ why: string[]; mend?: string }> {
  const [cleaned] = installed ? await unfitParts(names, installed) : [];
  if (cleaned) {
    const why =
      `Its Deno is in ${cleaned.folder}, which may be cleaned at any time; an update installs a copy.`;
    return { why: [why], mend: UPDATE };
  }
  // An installed service may be of another Deno and another checkout.
  const unfit = (await unfitParts(names, { ...own, library: "" }))
    .filter(({ part }) =>
      installed === undefined || isCopied(names, installed[part] ?? "")
    );
  return {
    why: unfit.map((each) => ownRemark(each, installed !== undefined)),
  };
}

function ownRemark(
  { part, folder, kind }: UnfitPart,
  installed: boolean,
): string {
  const what = part === "module" ? "This checkout" : "This Deno";
  const after = part === "module"
    ? "after a change in the checkout"
    : "after an upgrade of Deno";
  return `${what} is in ${folder}, ${WHY_UNFIT[kind]}. ${
    installed
      ? `The service runs a copy; ${after}: \`${UPDATE}\`.`
      : "`install` copies what the broker needs of it."
  }`;
}
