/** Serves the bidirectional stream of `peers/grpc_js.ts` on a Unix socket, and sends every message back. Prints a line when it listens. */

import { Server, ServerCredentials } from "@grpc/grpc-js";
import { ECHO_SERVICE } from "../peers/echo_service.ts";

const server = new Server();
server.addService(ECHO_SERVICE, {
  // deno-lint-ignore no-explicit-any -- the type of a call depends on its service
  echo: (call: any) => {
    call.on("data", (message: Uint8Array) => call.write(message));
    call.on("end", () => call.end());
  },
});
server.bindAsync(
  `unix:${Deno.args[0]}`,
  ServerCredentials.createInsecure(),
  (error) => {
    if (error) throw error;
    Deno.stdout.writeSync(new TextEncoder().encode("listening\n"));
  },
);
