/**
 * Every command of `streamlib`, in the order in which the help lists them.
 *
 * @module
 */

import type { Command } from "./command.ts";
import { brokerConnections } from "./commands/broker_connections.ts";
import { brokerDoctor } from "./commands/broker_doctor.ts";
import { brokerLogs } from "./commands/broker_logs.ts";
import { brokerProcessors } from "./commands/broker_processors.ts";
import { brokerRuntimes } from "./commands/broker_runtimes.ts";
import { SERVICE_COMMANDS } from "./commands/broker_service.ts";
import { brokerStatus } from "./commands/broker_status.ts";
import { brokerTop } from "./commands/broker_top.ts";
import { completions } from "./commands/completions.ts";
import { demo } from "./commands/demo.ts";
import { help } from "./commands/help.ts";
import { inspect } from "./commands/inspect.ts";
import { logs } from "./commands/logs.ts";
import { run } from "./commands/run.ts";
import { runtimesList } from "./commands/runtimes_list.ts";
import { runtimesPrune } from "./commands/runtimes_prune.ts";

/** The table of commands. No command loads gRPC before it runs. */
export const COMMANDS: readonly Command[] = [
  brokerStatus,
  brokerRuntimes,
  brokerConnections,
  brokerProcessors,
  brokerLogs,
  brokerTop,
  brokerDoctor,
  ...SERVICE_COMMANDS,
  runtimesList,
  runtimesPrune,
  logs,
  run,
  inspect,
  demo,
  completions,
  help,
];
