import { assertEquals, assertStringIncludes } from "@std/assert";
import { managerState } from "../../../cli/manager_state.ts";
import { TestConsole } from "../../helpers/cli.ts";
import { FakeLaunchd, TARGET, USER_ID } from "../../helpers/launchd.ts";
import { permittedTest } from "../../helpers/permitted.ts";
import { namesOf } from "../../helpers/service.ts";

permittedTest(
  "manager state: what launchd knows of a broker that is stopped, switched off, waits after a crash or listens",
  { read: true, write: true },
  async () => {
    const home = await Deno.makeTempDir();
    try {
      const names = namesOf(home, "darwin");
      const launchd = new FakeLaunchd();
      const console = new TestConsole();
      console.runProgram = launchd.programs.run;
      console.userId = () => USER_ID;
      await Deno.mkdir(`${home}/Library/LaunchAgents`, { recursive: true });
      await Deno.writeTextFile(names.plistFile!, "");
      const stopped = await managerState(names, console);
      assertEquals(stopped?.mend, "streamlib broker start");
      launchd.switched = "disabled";
      const off = await managerState(names, console);
      assertEquals(off?.mend, `launchctl enable ${TARGET}`);
      assertStringIncludes(off!.why, "Login Items");
      launchd.switched = undefined;
      Object.assign(launchd, { loaded: true, lastExit: "137", throttled: 9 });
      const waits = await managerState(names, console);
      assertStringIncludes(waits!.why, "launchd starts it again, because");
      Object.assign(launchd, { lastExit: "0", throttled: 0 });
      assertEquals(await managerState(names, console), undefined);
    } finally {
      await Deno.remove(home, { recursive: true });
    }
  },
);
