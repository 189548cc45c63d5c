/**
 * The suite's other processes on macOS: launchd agents of this session, which
 * are removed at the end of the run. See other.h.
 */

import { run } from "../helpers/child.ts";

const SERVICES = 3;

function plist(label: string, program: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<plist version="1.0">
<dict>
  <key>Label</key><string>${label}</string>
  <key>ProgramArguments</key>
  <array>
    <string>${program}</string><string>--serve</string><string>${label}</string>
  </array>
  <key>MachServices</key><dict><key>${label}</key><true/></dict>
  <key>ThrottleInterval</key><integer>1</integer>
</dict>
</plist>
`;
}

async function launchctl(...args: string[]): Promise<void> {
  const { code, stderr } = await run("launchctl", { args });
  if (code !== 0) throw new Error(`launchctl ${args.join(" ")}: ${stderr}`);
}

/** Installs the agents, and sets `$CONTRACT_SERVICE` to the prefix of their names. */
export async function installServices(
  program: string,
): Promise<AsyncDisposable> {
  const prefix = `com.example.contract-${Deno.pid}`;
  const domain = `gui/${Deno.uid()}`;
  const folder = await Deno.makeTempDir();
  const labels: string[] = [];
  const remove = async (): Promise<void> => {
    const gone = await Promise.allSettled(
      labels.map((label) => launchctl("bootout", `${domain}/${label}`)),
    );
    await Deno.remove(folder, { recursive: true });
    for (const it of gone) if (it.status === "rejected") throw it.reason;
  };
  try {
    for (let i = 0; i < SERVICES; i++) {
      const label = `${prefix}.${i}`;
      const file = `${folder}/${label}.plist`;
      await Deno.writeTextFile(file, plist(label, program));
      await launchctl("bootstrap", domain, file);
      labels.push(label);
    }
  } catch (error) {
    await remove();
    throw error;
  }
  Deno.env.set("CONTRACT_SERVICE", prefix);
  return { [Symbol.asyncDispose]: remove };
}
