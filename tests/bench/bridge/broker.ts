/** A broker in a process of its own, and calls to it. */

import { BrokerLink } from "../../../ffi/broker_link.ts";
import { Native } from "../../../ffi/native.ts";
import { foreground, namesIn } from "../../helpers/broker_forms.ts";
import { BrokerProcess } from "../../helpers/broker_process.ts";
import { PrivateDirectory } from "../../helpers/grpc_fixture.ts";

const CALL = { timeoutMs: 60_000 };
/** Calls that wait for their answer at the same time, when many connections are made. */
const AT_ONCE = 64;

/** Quotas that the bench does not reach. */
const RAISED = [
  "--limits",
  "connections=100000,peers=100000,watchers=100000,bytes=1000000000",
] as const;

/** A broker, and a link to it. */
export class BenchBroker implements AsyncDisposable {
  readonly service: string;
  /** The path of its gRPC socket. */
  readonly grpcSocket: string;
  readonly #home: string;
  readonly #process: BrokerProcess;
  readonly #link: BrokerLink;
  readonly #held: AsyncDisposableStack;

  /** Starts a broker. */
  static async start(
    quotas: "raised quotas" | "default quotas" = "raised quotas",
  ): Promise<BenchBroker> {
    await using held = new AsyncDisposableStack();
    const home = held.use(new PrivateDirectory()).path;
    const form = await foreground(home);
    const argv = quotas === "raised quotas"
      ? [...form.argv, ...RAISED]
      : form.argv;
    const process = held.use(await BrokerProcess.start({ ...form, argv }));
    const { service, grpcSocket } = namesIn(home);
    const native = held.use(Native.open());
    const link = held.use(
      await inHome(home, async () => {
        const link = new BrokerLink(native, service);
        await link.call("GetVersion", {}, CALL);
        return link;
      }),
    );
    const names = { service, grpcSocket, home };
    return new BenchBroker(names, process, link, held.move());
  }

  private constructor(
    { service, grpcSocket, home }: {
      readonly service: string;
      readonly grpcSocket: string;
      readonly home: string;
    },
    process: BrokerProcess,
    link: BrokerLink,
    held: AsyncDisposableStack,
  ) {
    this.service = service;
    this.grpcSocket = grpcSocket;
    this.#home = home;
    this.#process = process;
    this.#link = link;
    this.#held = held;
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** The environment in which another process finds it. */
  get environment(): Record<string, string> {
    return {
      STREAMLIB_HOME: this.#home,
      STREAMLIB_BROKER_XPC_SERVICE: this.service,
    };
  }

  /** The call that does the least. */
  async version(): Promise<void> {
    await this.#link.call("GetVersion", {}, CALL);
  }

  /** Allocates a connection, which is pending until it is closed. */
  async allocate(): Promise<{ readonly id: string; readonly token: string }> {
    const { success, error, connection_id, host_token } = await this.#link.call(
      "AllocateConnection",
      { runtime_id: "bench", processor_id: "p", want_tokens: true },
      CALL,
    );
    if (!success) throw new Error(`the broker refused: ${error}`);
    return { id: connection_id, token: host_token };
  }

  /** Allocates many connections. */
  async allocateMany(count: number): Promise<void> {
    let left = count;
    const some = async (): Promise<void> => {
      while (left-- > 0) await this.allocate();
    };
    await Promise.all(Array.from({ length: AT_ONCE }, some));
  }

  /** Allocates a connection and closes it. */
  async allocateAndClose(): Promise<void> {
    const { id, token } = await this.allocate();
    const { success } = await this.#link.call(
      "CloseConnection",
      { connection_id: id, reason: "bench" },
      { ...CALL, token },
    );
    if (!success) throw new Error("the broker did not close a connection");
  }

  /** Ends the broker. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#held.disposeAsync();
  }
}

/** Calls `make` with STREAMLIB_HOME set: the shim looks for a service there when it connects. */
async function inHome<T>(home: string, make: () => Promise<T>): Promise<T> {
  const before = Deno.env.get("STREAMLIB_HOME");
  Deno.env.set("STREAMLIB_HOME", home);
  try {
    return await make();
  } finally {
    if (before === undefined) Deno.env.delete("STREAMLIB_HOME");
    else Deno.env.set("STREAMLIB_HOME", before);
  }
}
