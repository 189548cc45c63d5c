import { assertEquals } from "@std/assert";
import { clientName } from "../../../host/client_name.ts";

Deno.test("a client is named by the processor's id, or else by its module's file", () => {
  const named = (module: string, id?: string): string =>
    clientName(id, new URL(module));
  assertEquals(named("file:///app/blur.ts", "blur-left"), "blur-left");
  assertEquals(named("file:///app/blur.ts", "a\nb"), "a\\u000ab");
  assertEquals(named("file:///app/blur.ts", ""), "blur.ts");
  assertEquals(named("file:///app/my%20blur.ts"), "my blur.ts");
  assertEquals(named("file:///app/50%.ts"), "50%.ts");
  assertEquals(named("https://example.com/a/blur.ts?v=1"), "blur.ts");
  assertEquals(named("https://example.com/"), "https://example.com/");
  assertEquals(named("jsr:@scope/blur@1"), "blur@1");
  assertEquals(named("data:text/javascript,a/b"), "data:");
});
