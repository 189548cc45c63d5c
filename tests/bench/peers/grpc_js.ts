/** gRPC by grpc-js: a bidirectional stream over a Unix socket, which costs less than a call for each message. */

import { PrivateDirectory } from "../../helpers/grpc_fixture.ts";
import type { Extent, SubjectPlan } from "../harness/subject.ts";
import { Program } from "../program.ts";
import { type Echo, echoPlan } from "./echo.ts";
import { ECHO_SERVICE } from "./echo_service.ts";

/** Round trips on one stream. */
export function grpcJs(count: Readonly<Record<Extent, number>>): SubjectPlan {
  return echoPlan("grpc-js, stream", count, async (): Promise<Echo> => {
    const { credentials, makeGenericClientConstructor } = await import(
      "@grpc/grpc-js"
    );
    await using held = new AsyncDisposableStack();
    const path = `${held.use(new PrivateDirectory()).path}/echo`;
    const program = held.use(Program.deno("echo_grpc.ts", [path]));
    await program.line();
    const Client = makeGenericClientConstructor(ECHO_SERVICE, "Echo");
    const client = new Client(`unix:${path}`, credentials.createInsecure(), {
      "grpc.enable_http_proxy": 0,
    });
    held.defer(() => client.close());
    const { path: method, requestSerialize, responseDeserialize } =
      ECHO_SERVICE.echo;
    const call = client.makeBidiStreamRequest(
      method,
      requestSerialize,
      responseDeserialize,
    );
    held.defer(() => void call.end());
    let came = (): void => {};
    let failed = (_: Error): void => {};
    call.on("data", () => came());
    call.on("error", (error: Error) => failed(error));
    const resources = held.move();
    return {
      pid: program.pid,
      trip: (message) =>
        new Promise((resolve, reject) => {
          [came, failed] = [resolve, reject];
          call.write(message);
        }),
      [Symbol.asyncDispose]: () => resources.disposeAsync(),
    };
  });
}
