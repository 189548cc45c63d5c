import { assertEquals, assertRejects } from "@std/assert";
import { ServiceError } from "../../launchd/service_error.ts";
import { USER_ID } from "../helpers/launchd.ts";
import { Mac } from "../helpers/mac.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { installServices } from "./launchd.ts";

const NEEDS = { read: true, write: true, run: true, env: true } as const;

permittedTest(
  "the suite's agents: loaded in the domain of this session, and removed by a bootout that returns too early",
  NEEDS,
  async () => {
    for (
      const [session, domain] of [
        ["Aqua", "gui/501"],
        ["Background", "user/501"],
      ] as const
    ) {
      await using mac = new Mac();
      mac.note("session", session);
      {
        await using _ = await installServices("/bin/suite", USER_ID);
        assertEquals(
          (await mac.told()).map((line) => line.replace(/ \/.*/, "")),
          Array(3).fill(`bootstrap ${domain}`),
        );
      }
      assertEquals(await mac.jobs(), []);
    }
  },
);

permittedTest(
  "the suite's agents: what was loaded before an error is removed",
  NEEDS,
  async () => {
    await using mac = new Mac();
    mac.note("disabled", `com.example.contract-${Deno.pid}.2`);
    await assertRejects(
      () => installServices("/bin/suite", USER_ID),
      ServiceError,
    );
    assertEquals((await mac.told()).length, 5);
    assertEquals(await mac.jobs(), []);
  },
);
