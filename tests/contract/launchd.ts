/**
 * The suite's other processes on macOS: launchd agents of this session, which
 * are removed at the end of the run. See other.h.
 */

import { type Domain, ownDomain } from "../../launchd/domain.ts";
import {
  explainLaunchctl,
  LAUNCHCTL,
  launchctl,
  launchctlCode,
  NOT_LOADED,
} from "../../launchd/launchctl.ts";
import { runProgram } from "../../launchd/run_program.ts";
import { until } from "../helpers/soon.ts";

const SERVICES = 3;

function plist(
  label: string,
  program: string,
  { sessionType }: Domain,
): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>${label}</string>
  <key>ProgramArguments</key>
  <array>
    <string>${program}</string><string>--serve</string><string>${label}</string>
  </array>
  <key>MachServices</key><dict><key>${label}</key><true/></dict>
  <key>LimitLoadToSessionType</key>
  <string>${sessionType}</string>
  <key>ProcessType</key><string>Interactive</string>
  <key>ThrottleInterval</key><integer>1</integer>
</dict>
</plist>
`;
}

/** Unloads an agent, and waits until launchd no longer knows it: `bootout` may return before. launchd kills an agent that has not ended after its ExitTimeOut, which is 20 s by default. */
async function remove(target: string): Promise<void> {
  const args = ["bootout", target];
  const ran = await launchctl(runProgram, args);
  const code = launchctlCode(ran);
  if (NOT_LOADED.includes(code)) return;
  if (code !== 0 && code !== LAUNCHCTL.inProgress) {
    throw explainLaunchctl(ran, args, target);
  }
  await until(
    `the end of ${target} after bootout, which returned ${code}`,
    async () => (await launchctl(runProgram, ["print", target])).code !== 0,
  );
}

/**
 * Installs the agents, and sets `$CONTRACT_SERVICE` to the prefix of their names.
 *
 * @param userId the user whose launchd it is
 */
export async function installServices(
  program: string,
  userId: number = Deno.uid() ?? 0,
): Promise<AsyncDisposable> {
  const prefix = `com.example.contract-${Deno.pid}`;
  const domain = await ownDomain(runProgram, userId);
  const folder = await Deno.makeTempDir();
  const targets: string[] = [];
  const removeAll = async (): Promise<void> => {
    const gone = await Promise.allSettled(
      targets.map((target) => remove(target)),
    );
    await Deno.remove(folder, { recursive: true });
    for (const it of gone) if (it.status === "rejected") throw it.reason;
  };
  try {
    for (let i = 0; i < SERVICES; i++) {
      const label = `${prefix}.${i}`;
      const target = `${domain.name}/${label}`;
      const file = `${folder}/${label}.plist`;
      await Deno.writeTextFile(file, plist(label, program, domain));
      const args = ["bootstrap", domain.name, file];
      const ran = await launchctl(runProgram, args);
      if (ran.code !== 0) throw explainLaunchctl(ran, args, target);
      targets.push(target);
    }
  } catch (error) {
    await removeAll();
    throw error;
  }
  Deno.env.set("CONTRACT_SERVICE", prefix);
  return { [Symbol.asyncDispose]: removeAll };
}
