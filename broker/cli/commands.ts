/**
 * Every command of `streamlib`, in the order of its help.
 *
 * @module
 */

import type { Command } from "./command.ts";
import { brokerConnections } from "./commands/broker_connections.ts";
import { brokerLogs } from "./commands/broker_logs.ts";
import { brokerProcessors } from "./commands/broker_processors.ts";
import { brokerRuntimes } from "./commands/broker_runtimes.ts";
import { brokerStatus } from "./commands/broker_status.ts";
import { brokerTop } from "./commands/broker_top.ts";
import { completions } from "./commands/completions.ts";
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
  runtimesList,
  runtimesPrune,
  logs,
  completions,
  help,
];
