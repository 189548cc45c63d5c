import { assertEquals, assertStrictEquals } from "@std/assert";
import type { ChannelCredentials } from "@grpc/grpc-js";
import {
  guardPipes,
  hasPipeFault,
} from "../../../../broker/grpc/pipe_guard.ts";

/** Credentials whose connector returns the socket that it is given. */
function plainCredentials(): ChannelCredentials {
  return {
    _createSecureConnector: () => ({
      connect: (socket: object) => Promise.resolve({ socket, secure: false }),
    }),
  } as unknown as ChannelCredentials;
}

async function connect(credentials: ChannelCredentials, socket: object) {
  const connector = credentials._createSecureConnector(
    { path: "/run/s" },
    {},
  );
  return await connector.connect(socket as never);
}

Deno.test("the guard is for the versions that close twice", () => {
  const versions = ["2.7.14", "2.8.0", "2.9.3", "2.9.5", "2.9.6", "2.10.0"];
  assertEquals(versions.filter(hasPipeFault), ["2.8.0", "2.9.3", "2.9.5"]);
  assertEquals(hasPipeFault("3.9.3"), false);
});

Deno.test("credentials for other versions are left as they are", () => {
  const credentials = plainCredentials();
  const { _createSecureConnector: create } = credentials;
  assertStrictEquals(guardPipes(credentials, "2.9.6"), credentials);
  assertStrictEquals(credentials._createSecureConnector, create);
});

Deno.test("a guarded socket has a second descriptor, and is passed on", async () => {
  const opened: number[] = [];
  const socket = {
    _handle: { fdForIpc: () => 24, open: (fd: number) => opened.push(fd) },
  };
  const credentials = guardPipes(plainCredentials(), "2.9.3");
  const connected = await connect(credentials, socket);
  assertStrictEquals(connected.socket as object, socket);
  assertEquals(opened, [24]);
});

Deno.test("a socket that has ended already is passed on", async () => {
  const socket = { _handle: null };
  const credentials = guardPipes(plainCredentials(), "2.9.3");
  const connected = await connect(credentials, socket);
  assertStrictEquals(connected.socket as object, socket);
});
