/**
 * Every command of `streamlib`, in the order of its help.
 *
 * @module
 */

import type { Command } from "./command.ts";
import { brokerConnections } from "./commands/broker_connections.ts";
import { brokerInstall } from "./commands/broker_install.ts";
import { brokerDoctor } from "./commands/broker_doctor.ts";
import { brokerLogs } from "./commands/broker_logs.ts";
import { brokerProcessors } from "./commands/broker_processors.ts";
import { brokerRestart } from "./commands/broker_restart.ts";
import { brokerRuntimes } from "./commands/broker_runtimes.ts";
import { brokerStart } from "./commands/broker_start.ts";
import { brokerStatus } from "./commands/broker_status.ts";
import { brokerStop } from "./commands/broker_stop.ts";
import { brokerTop } from "./commands/broker_top.ts";
import { brokerUninstall } from "./commands/broker_uninstall.ts";
import { brokerUpdate } from "./commands/broker_update.ts";
import { completions } from "./commands/completions.ts";
import { demo } from "./commands/demo.ts";
import { help } from "./commands/help.ts";
import { logs } from "./commands/logs.ts";
import { runtimesList } from "./commands/runtimes_list.ts";
import { runtimesPrune } from "./commands/runtimes_prune.ts";

/** The table of commands. None loads gRPC before it runs. */
export const COMMANDS: readonly Command[] = [
  brokerStatus,
  brokerRuntimes,
  brokerConnections,
  brokerProcessors,
  brokerLogs,
  brokerTop,
  brokerDoctor,
  brokerInstall,
  brokerUninstall,
  brokerUpdate,
  brokerStart,
  brokerStop,
  brokerRestart,
  runtimesList,
  runtimesPrune,
  logs,
  demo,
  completions,
  help,
];
