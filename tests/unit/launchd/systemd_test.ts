import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { ProgramResult } from "../../../launchd/run_program.ts";
import {
  ServiceError,
  type ServiceErrorCode,
} from "../../../launchd/service_error.ts";
import type { ServiceReport } from "../../../launchd/service_manager.ts";
import { explainSystemctl } from "../../../launchd/systemctl.ts";
import { Systemd } from "../../../launchd/systemd.ts";
import { names } from "../../../proto/names.ts";
import { namesOf, ScriptedPrograms, SERVICE } from "../../helpers/service.ts";

const NAMES = namesOf("/home/ada", "linux");
const UNITS = `${SERVICE}.socket ${SERVICE}.service`;

function systemd(
  answer: (line: string) => Partial<ProgramResult> | undefined,
): { manager: Systemd; calls: () => string[] } {
  const programs = new ScriptedPrograms(answer);
  return {
    manager: new Systemd(NAMES, programs.run),
    calls: () =>
      programs.calls.map((line) =>
        line.replace("systemctl --user --no-pager ", "")
      ),
  };
}

Deno.test("systemctl: what its failures mean, and what helps", () => {
  const table: [
    result: Partial<ProgramResult> | undefined,
    code: ServiceErrorCode,
    means: string,
    next: string,
  ][] = [
    [
      undefined,
      "no_manager",
      "no systemctl on the PATH",
      "deno task broker, in another terminal",
    ],
    [
      { code: 1, stderr: "Failed to connect to bus: No medium found" },
      "no_manager",
      "no systemd session",
      "deno task broker, in another terminal",
    ],
    [
      {
        code: 1,
        stderr:
          "Failed to connect to user scope bus via local transport: $DBUS_SESSION_BUS_ADDRESS and $XDG_RUNTIME_DIR not defined",
      },
      "no_manager",
      "no systemd session",
      "deno task broker, in another terminal",
    ],
    [
      {
        code: 1,
        stderr:
          "System has not been booted with systemd as init system (PID 1). Can't operate.",
      },
      "no_manager",
      "no systemd session",
      "deno task broker, in another terminal",
    ],
    [
      { code: 1, stderr: "Failed to connect to bus: Permission denied" },
      "no_manager",
      "belongs to another user",
      "the same in a login of this user's own",
    ],
    [
      {
        code: 5,
        stderr: `Failed to start ${SERVICE}.socket: Unit not found.`,
      },
      "not_installed",
      "Unit not found",
      "streamlib broker install",
    ],
    [
      {
        code: 1,
        stderr: `Failed to start x: Unit ${SERVICE}.socket is masked.`,
      },
      "refused",
      "somebody has forbidden it",
      `systemctl --user unmask ${SERVICE}.socket`,
    ],
    [
      { code: 124 },
      "timed_out",
      "within 30 s",
      "systemctl --user list-jobs",
    ],
    [
      { code: 1, stderr: "\n  Job failed.\nSee journalctl.\n" },
      "refused",
      "Job failed. (code 1)",
      `systemctl --user status ${SERVICE}.socket`,
    ],
  ];
  for (const [result, code, means, next] of table) {
    const error = explainSystemctl(
      result && { code: 0, stdout: "", stderr: "", ...result },
      ["start", `${SERVICE}.socket`],
    );
    assertEquals([error.code, error.next], [code, next], error.message);
    assertStringIncludes(error.message, means);
    assertStringIncludes(error.message, `start ${SERVICE}.socket`);
  }
});

Deno.test("systemd: how the service is", async () => {
  const shown = (socket: string, service: string): string =>
    `Id=${SERVICE}.socket\n${socket}\n\nId=${SERVICE}.service\n${service}\n`;
  const table: [socket: string, service: string, report: ServiceReport][] = [
    ["LoadState=not-found", "LoadState=not-found", { state: "absent" }],
    ["ActiveState=inactive", "ActiveState=inactive", { state: "stopped" }],
    [
      "ActiveState=active",
      "MainPID=0\nActiveState=inactive",
      { state: "listening" },
    ],
    [
      "ActiveState=active",
      "MainPID=4711\nActiveState=active",
      { state: "running", pid: 4711 },
    ],
    ["ActiveState=active", "ActiveState=activating", { state: "running" }],
    [
      "ActiveState=active",
      "ActiveState=failed\nResult=exit-code\nExecMainCode=1\nExecMainStatus=7\nStateChangeTimestamp=Mon",
      { state: "failed", reason: "since Mon: it ended with exit code 7" },
    ],
    [
      "ActiveState=failed\nResult=service-start-limit-hit",
      "ActiveState=failed\nResult=start-limit-hit\nExecMainCode=1\nExecMainStatus=203",
      {
        state: "failed",
        reason:
          "the program of its command line cannot be run: it was removed or is not executable (status 203); it failed so often that systemd no longer starts it (start limit)",
      },
    ],
    [
      "ActiveState=active",
      "ActiveState=failed\nResult=core-dump\nExecMainCode=3\nExecMainStatus=6",
      { state: "failed", reason: "it was ended by SIGABRT" },
    ],
    [
      "ActiveState=active",
      "ActiveState=activating\nSubState=auto-restart\nMainPID=0\nResult=signal\nExecMainCode=2\nExecMainStatus=9",
      { state: "running", reason: "it was ended by SIGKILL" },
    ],
    [
      "ActiveState=failed\nResult=resources",
      "ActiveState=inactive",
      { state: "failed", reason: "the sockets: resources" },
    ],
  ];
  for (const [socket, service, report] of table) {
    const { manager } = systemd(() => ({ stdout: shown(socket, service) }));
    assertEquals(await manager.report(), report);
  }
});

Deno.test("systemd: what it is told, in this order", async () => {
  const told = async (
    act: (manager: Systemd) => Promise<void>,
  ): Promise<string[]> => {
    const { manager, calls } = systemd(() => ({}));
    await act(manager);
    return calls();
  };
  const load = [`reset-failed ${UNITS}`, `enable --now ${SERVICE}.socket`];
  assertEquals(await told((manager) => manager.load(false)), load);
  assertEquals(await told((manager) => manager.load(true)), [
    "daemon-reload",
    `stop ${UNITS}`,
    ...load,
  ]);
  assertEquals(await told((manager) => manager.stop()), [`stop ${UNITS}`]);
  assertEquals(await told((manager) => manager.restart()), [
    ...load,
    `restart ${SERVICE}.service`,
  ]);
  assertEquals(await told((manager) => manager.unload()), [
    `stop ${UNITS}`,
    `disable ${SERVICE}.socket`,
  ]);
  assertEquals(await told((manager) => manager.forget()), [
    "daemon-reload",
    `reset-failed ${UNITS}`,
  ]);
});

Deno.test("systemd: what is not loaded needs not be stopped, and what is refused is told", async () => {
  const { manager } = systemd((line) => ({
    code: 5,
    stderr: line.includes("stop")
      ? `Failed to stop ${SERVICE}.socket: Unit ${SERVICE}.socket not loaded.`
      : `Failed to disable unit: Unit file ${SERVICE}.socket does not exist.`,
  }));
  await manager.unload();
  const refused = systemd(() => ({ code: 1, stderr: "Access denied" }));
  const { code } = await assertRejects(
    () => refused.manager.unload(),
    ServiceError,
  );
  assertEquals(code, "refused");
});

Deno.test("systemd: without HOME there is no place for units", async () => {
  const homeless = names(new Map([["STREAMLIB_HOME", "/s"]]), { os: "linux" });
  const { code } = await assertRejects(
    // deno-lint-ignore require-await -- an error must be a rejection
    async () => new Systemd(homeless, () => Promise.resolve(undefined)),
    ServiceError,
  );
  assertEquals(code, "no_manager");
});
