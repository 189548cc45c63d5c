import { assertEquals } from "@std/assert";
import { userRuntimeDirectory } from "../../cli/runtime_directory.ts";
import { Native } from "../../ffi/native.ts";
import {
  BOOTSTRAP_ISOLATED,
  BOOTSTRAP_VARIABLE,
} from "../../proto/bootstrap.ts";
import { names } from "../../proto/names.ts";
import { isolatedHome } from "../helpers/home.ts";
import { permittedTest } from "../helpers/permitted.ts";

/** The path at which the shim looks for a service. */
function shimPath(service: string): string {
  using native = Native.open();
  const name = new TextEncoder().encode(service);
  const text = new Uint8Array(512);
  const length = native.symbols.slb_service_path_copy(
    name,
    name.length,
    text,
    text.length,
  );
  return new TextDecoder().decode(text.subarray(0, length));
}

permittedTest("names.ts and the shim agree on where a service's socket is", {
  env: true,
  read: true,
  write: true,
  sys: true,
  linux: "a service that is a socket", // launchd keeps the names on macOS
}, () => {
  using home = isolatedHome();
  const runtime = Deno.env.get("XDG_RUNTIME_DIR");
  const user = Deno.env.get("HOME");
  try {
    for (const streamlib of [home.path, undefined]) {
      for (const xdg of ["/run/user/7", undefined]) {
        for (
          const service of [
            "com.example.short",
            "x".repeat(100),
          ]
        ) {
          if (streamlib) Deno.env.set("STREAMLIB_HOME", streamlib);
          else Deno.env.delete("STREAMLIB_HOME");
          if (xdg) Deno.env.set("XDG_RUNTIME_DIR", xdg);
          else Deno.env.delete("XDG_RUNTIME_DIR");
          Deno.env.set("HOME", "/home/ada");
          const userRuntime = () => userRuntimeDirectory(Deno.uid()!);
          const options = { os: "linux", service, userRuntime } as const;
          const expected = names(Deno.env, options).xpcSocket;
          assertEquals(shimPath(service), expected);
        }
      }
    }
  } finally {
    if (user !== undefined) Deno.env.set("HOME", user);
    if (runtime === undefined) Deno.env.delete("XDG_RUNTIME_DIR");
    else Deno.env.set("XDG_RUNTIME_DIR", runtime);
  }
});

permittedTest(
  "proto/bootstrap.ts and c/bootstrap agree on the variable of a bootstrap",
  {
    read: true,
  },
  async () => {
    const header = await Deno.readTextFile(
      new URL("../../c/bootstrap/channel.h", import.meta.url),
    );
    const defined = (name: string): string | undefined =>
      new RegExp(`^#define ${name} "(.*)"$`, "m").exec(header)?.[1];
    assertEquals(defined("BOOT_VARIABLE"), BOOTSTRAP_VARIABLE);
    assertEquals(defined("BOOT_ISOLATED"), BOOTSTRAP_ISOLATED);
  },
);
