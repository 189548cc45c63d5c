import { assertEquals } from "@std/assert";
import { brokerCommand, FOREGROUND_BROKER } from "../../../proto/foreground.ts";

Deno.test("the command that gets a broker: on macOS only launchd can give it its name", () => {
  assertEquals(brokerCommand("linux"), FOREGROUND_BROKER);
  assertEquals(brokerCommand("darwin"), "streamlib broker install");
});
