/**
 * The commands that install the broker as a service and control it: `streamlib
 * broker install`, `uninstall`, `update`, `start`, `stop` and `restart`.
 *
 * A new one is an entry in {@link ACTIONS}.
 *
 * @module
 */

import { versionInfo } from "../../broker/version.ts";
import type { InstallOutcome } from "../../launchd/installer.ts";
import type { ServiceReport } from "../../launchd/service_manager.ts";
import type { GetVersionResponse } from "../../proto/broker_gen.ts";
import type { Command, Invocation } from "../command.ts";
import { CommandError, EXIT } from "../exit.ts";
import { firstContact, runningVersion } from "../first_contact.ts";
import type { Option } from "../option.ts";
import { JSON_OUTPUT } from "../options.ts";
import {
  BINARY,
  DEV,
  FORCE,
  ofSameService,
  type Service,
  SERVICE_FIELDS,
  tell,
  withService,
} from "../service.ts";
import { say } from "../terminal/console.ts";

/** What a command has done. */
interface Outcome {
  /** The state of the service afterwards. */
  readonly report: ServiceReport;
  /** The files that were written or removed. */
  readonly files?: readonly string[];
  /** What people are told, in lines. */
  readonly words: readonly string[];
}

/** What is particular to one command. */
interface Action extends Pick<Command, "summary" | "details" | "examples"> {
  /** The last word of the command. */
  readonly name: string;
  /** Its options before `--json`. */
  readonly options: readonly Option<unknown>[];
  act(service: Service, invocation: Invocation): Promise<Outcome>;
}

const ACTIONS: readonly Action[] = [
  {
    name: "install",
    summary: "Installs the broker as a service that its first client starts.",
    details: [
      "On macOS the service is a launchd agent, on Linux a systemd user unit. docs/service.md lists the files, and what the broker is permitted to do. Nothing runs as root. Modules of the broker that are not in Deno's cache are downloaded now, not when the broker starts. Before anything is installed, the service manager runs the broker once for a trial, under a name of its own, and both carriers must answer. If they do not, everything stays as it was.",
      "The service runs this Deno with this package. After an upgrade of either, `broker update` updates the service. If everything is already installed, nothing is done.",
    ],
    options: [FORCE, DEV, BINARY],
    examples: [
      "broker install",
      "broker install --dev",
      "broker install --binary /opt/streamlib/streamlib-broker",
    ],
    act: install,
  },
  {
    name: "uninstall",
    summary: "Stops the broker, and removes its service's files and its logs.",
    details: [
      "Open channels continue without a broker. Hosts that start later run a broker of their own.",
    ],
    options: [DEV],
    examples: ["broker uninstall", "broker uninstall --dev"],
    act: uninstall,
  },
  {
    name: "update",
    summary: "Updates the installed broker to this package and this Deno.",
    details: [
      "Writes the files that `broker install` would write now, after the same trial. If they have changed, or if the running broker has another version, the broker is restarted, and the command waits until the new one answers. Open channels continue. If nothing has changed, nothing is done.",
    ],
    options: [DEV, BINARY],
    examples: ["broker update"],
    act: update,
  },
  {
    name: "start",
    summary: "Starts the installed broker, and waits until it answers.",
    details: [
      "This is seldom needed, because the first client starts the broker. It also starts a broker that has failed so often that it is no longer started on demand.",
    ],
    options: [DEV],
    examples: ["broker start", "broker start --json"],
    act: start,
  },
  {
    name: "stop",
    summary: "Stops the installed broker, so that no client starts it.",
    details: [
      "The broker stays installed: `broker start` or the next login makes it available again. Open channels continue without a broker.",
    ],
    options: [DEV],
    examples: ["broker stop"],
    act: stop,
  },
  {
    name: "restart",
    summary: "Restarts the installed broker, and waits until it answers.",
    details: [
      "Open channels continue. Connections that are not ready yet are set up again with the new broker.",
    ],
    options: [DEV],
    examples: ["broker restart"],
    act: restart,
  },
];

/** The commands of {@link ACTIONS}, in the same order. */
export const SERVICE_COMMANDS: readonly Command[] = ACTIONS.map(
  ({ name, act, options, ...texts }): Command => ({
    path: ["broker", name],
    ...texts,
    options: [...options, JSON_OUTPUT],
    json: { form: "one object", fields: SERVICE_FIELDS },
    needs: ["run", "sys"],
    run: (invocation) =>
      withService(invocation, async (service) => {
        const { words, ...outcome } = await act(service, invocation);
        tell(invocation, service, name, outcome, words);
        return EXIT.done;
      }),
  }),
);

async function install(
  { installer, manager, names }: Service,
  invocation: Invocation,
): Promise<Outcome> {
  const { args } = invocation;
  const outcome = await installer.install(args.has(FORCE));
  const words = [
    ...installedWords(names.service, manager.kind, outcome),
    ...(args.has(DEV)
      ? ["Its clients run in this checkout with STREAMLIB_DEV_MODE=1."]
      : []),
    `To start it now: ${ofSameService(invocation, "streamlib broker start")}`,
  ];
  return { ...outcome, words };
}

/** What people are told of an installation. */
export function installedWords(
  service: string,
  manager: string,
  { files, remarks }: InstallOutcome,
): string[] {
  return [
    files.length === 0
      ? `The broker ${service} is already installed; nothing was written.`
      : `The broker ${service} is installed with ${manager}; its first client starts it.`,
    ...remarks,
  ];
}

async function uninstall(
  { installer, names }: Service,
  invocation: Invocation,
): Promise<Outcome> {
  const { report, files, unmanaged } = await installer.uninstall();
  if (files.length === 0) {
    throw new CommandError(
      EXIT.notFound,
      `Cannot uninstall the broker ${names.service}: it is not installed`,
      ofSameService(invocation, "streamlib broker install"),
    );
  }
  if (unmanaged !== undefined) {
    say(
      invocation.console.err,
      `The service manager could not be told: ${unmanaged}`,
    );
  }
  const words = [
    `The broker ${names.service} is uninstalled; the files above were removed.`,
  ];
  return { report, files, words };
}

async function update(
  service: Service,
  { console }: Invocation,
): Promise<Outcome> {
  const { installer, manager, names } = service;
  const before = await runningVersion(service, console);
  const { state, reason } = await manager.report();
  const failed = state === "failed";
  const { files, remarks } = await installer.update();
  const written = files.length > 0;
  const stale = before !== undefined && !isThisVersion(before);
  if (stale && !written) await manager.restart();
  const changed = stale || written || failed;
  if (changed) await firstContact(service, console);
  const words = [
    ...(stale
      ? [
        `The running broker was ${inWords(before)}; it is now ${
          inWords(versionInfo())
        }.`,
      ]
      : []),
    ...(failed ? [`The installed broker had failed, ${reason}.`] : []),
    changed
      ? `The broker ${names.service} is up to date and answers.`
      : `The broker ${names.service} was already up to date; nothing was done.`,
    ...remarks,
  ];
  return { report: await manager.report(), files, words };
}

async function start(
  service: Service,
  { console }: Invocation,
): Promise<Outcome> {
  const { installer, manager, names } = service;
  await installer.checkKnown("start");
  await manager.load(false);
  const { version } = await firstContact(service, console);
  const words = [
    `The broker ${names.service} ${version} answers at ${names.grpcAddress}.`,
  ];
  return { report: await manager.report(), words };
}

async function stop(
  { installer, manager, names }: Service,
  invocation: Invocation,
): Promise<Outcome> {
  await installer.checkKnown("stop");
  await manager.stop();
  const words = [
    `The broker ${names.service} is stopped until the next login, or until you run: ${
      ofSameService(invocation, "streamlib broker start")
    }`,
  ];
  return { report: await manager.report(), words };
}

async function restart(
  service: Service,
  { console }: Invocation,
): Promise<Outcome> {
  const { installer, manager, names } = service;
  await installer.checkKnown("restart");
  await manager.restart();
  const { version } = await firstContact(service, console);
  const words = [
    `A new broker ${names.service} ${version} answers at ${names.grpcAddress}.`,
  ];
  return { report: await manager.report(), words };
}

function isThisVersion(found: GetVersionResponse): boolean {
  const { version, protocol_version } = versionInfo();
  return found.version === version &&
    found.protocol_version === protocol_version;
}

function inWords(
  { version, git_commit, protocol_version }: GetVersionResponse,
): string {
  return `${version} (${git_commit}, protocol ${protocol_version})`;
}
