import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { formatAddress, parseAddress } from "../../../broker/address.ts";
import { BridgeError } from "../../../proto/errors.ts";

Deno.test("addresses are read and written", () => {
  const table = {
    "unix:/run/s": { transport: "unix", path: "/run/s" },
    "127.0.0.1:50051": {
      transport: "tcp",
      hostname: "127.0.0.1",
      port: 50051,
    },
    "[::1]:1": { transport: "tcp", hostname: "[::1]", port: 1 },
  } as const;
  for (const [text, address] of Object.entries(table)) {
    assertEquals(parseAddress(text), address);
    assertEquals(formatAddress(address), text);
  }
});

Deno.test("what is no address is refused with what was expected", () => {
  const wrong = [
    "",
    "unix:relative",
    "/run/s",
    "http://127.0.0.1:50051",
    "127.0.0.1",
    "127.0.0.1:0",
    "example.com:50051",
    `unix:/${"x".repeat(103)}`,
  ];
  for (const text of wrong) {
    const error = assertThrows(() => parseAddress(text), BridgeError);
    assertEquals(error.code, "bad_argument", text);
    assertStringIncludes(error.message, "unix:/absolute/path");
  }
});
