/**
 * Whether this process is in a bootstrap, whether it can still reach it, and whether
 * that has a broker.
 *
 * @module
 */

import { bootstrapOf } from "../../../proto/bootstrap.ts";
import { BridgeError } from "../../../proto/errors.ts";
import { serviceName } from "../../../proto/names.ts";
import { checkVersion } from "../../../proto/wire/control.ts";
import type { TreeClient } from "../../terminal/console.ts";
import type { Examination, Link } from "../examination.ts";
import { broken, type Finding, note, ok, skipped } from "../finding.ts";
import { linksBehind } from "../needs.ts";

/** The time for the answer of its broker. */
const ANSWER_MS = 2_000;

/** The link. */
export const bootstrapLink: Link = { name: "bootstrap", check };

async function check(examination: Examination): Promise<Finding> {
  const { console, known } = examination;
  const inherited = bootstrapOf(console.env);
  if (inherited === undefined) return await outside(examination);
  const service = serviceName(console.env);
  const { isolated } = inherited;
  known.bootstrap = { isolated, served: false };
  const found = isolated ? "present, isolated" : "present";
  try {
    using client = await console.connectTree(service);
    const loss = client.loss();
    if (loss !== undefined) return lost(loss);
    const begun = performance.now();
    const version = await versionOf(client);
    if (version === undefined) {
      return note("bootstrap", `${found}; nobody in it serves ${service}`, {
        why: isolated
          ? "each host in it runs its own broker"
          : "a host in it uses this user's broker, or runs its own",
      });
    }
    known.bootstrap = { isolated, served: true };
    const ms = Math.round(performance.now() - begun);
    return ok(
      "bootstrap",
      `${found}; its broker ${version} answered in ${ms} ms`,
    );
  } catch (error) {
    if (!(error instanceof BridgeError)) throw error;
    return judge(error, found);
  }
}

/** Outside of a bootstrap. On macOS: whether a host and `streamlib run` can make one. */
async function outside({ console }: Examination): Promise<Finding> {
  if (Deno.build.os !== "darwin") return ok("bootstrap", "none");
  try {
    const fault = await console.bootstrapFault();
    if (fault === undefined) return ok("bootstrap", "none");
    return note("bootstrap", "none, and none can be made on this system", {
      why:
        `${fault}; \`streamlib run\` does not work here, and hosts use a broker of launchd`,
    });
  } catch (error) {
    if (!(error instanceof BridgeError)) throw error;
    return ok("bootstrap", "none"); // the link "shim" says why it cannot be loaded
  }
}

function lost(why: string): Finding {
  return broken("bootstrap", "this process has lost its channel", {
    why: `${why}. To leave the tree for this user's services instead:`,
    mend: "unset STREAMLIB_BOOTSTRAP",
    blocks: linksBehind("names in the bootstrap"),
    unreachable: true,
  });
}

/** `undefined` if nobody serves the name. */
async function versionOf(client: TreeClient): Promise<string | undefined> {
  const options = { timeoutMs: ANSWER_MS };
  try {
    return (await checkVersion(client, client.service, options)).version;
  } catch (error) {
    const isAbsent = error instanceof BridgeError &&
      error.code === "broker_unreachable";
    if (isAbsent) return undefined;
    throw error;
  }
}

function judge(error: BridgeError, found: string): Finding {
  if (error.code === "timed_out") {
    return broken("bootstrap", `${found}; its broker does not answer`, {
      why: "the process that serves it is stopped or hangs",
      mend: "ps -e -o pid,stat,args",
      blocks: linksBehind("names in the bootstrap"),
      unreachable: true,
    });
  }
  if (error.code === "version_mismatch") {
    return broken("bootstrap", `${found}; its broker has another version`, {
      why: error.message,
      mend: "streamlib --version",
      blocks: linksBehind("names in the bootstrap"),
    });
  }
  return skipped("bootstrap", `${found}; the shim cannot be loaded`);
}
