import { assert, assertEquals, assertThrows } from "@std/assert";
import { BridgeError, type HostOptions, ReactiveHost } from "../../host/mod.ts";
import { TICKS } from "../fixtures/tick_port.ts";
import { isolatedHome } from "../helpers/home.ts";
import { sendTick, type TickPorts } from "../helpers/hosts.ts";
import { HOST_NEEDS, permittedTest } from "../helpers/permitted.ts";
import { lapse, soon, until } from "../helpers/soon.ts";

const NEEDS = { ...HOST_NEEDS, net: true } as const;

function launch(
  options: Pick<HostOptions<TickPorts, TickPorts>, "inspect" | "output">,
) {
  return ReactiveHost.launch({
    module: new URL("../fixtures/hanging.ts", import.meta.url),
    inputs: { ticks: TICKS },
    outputs: { ticks: TICKS },
    hangTimeoutSecs: 0.5,
    ...options,
  });
}

/** A debugger that is connected to a client. */
class Debugger implements Disposable {
  /** The events, by their method. */
  readonly events: string[] = [];
  readonly #socket: WebSocket;
  readonly #answers = new Map<number, (result: unknown) => void>();
  #last = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.onmessage = ({ data }) => {
      const { id, method, result } = JSON.parse(data);
      if (method !== undefined) this.events.push(method);
      else this.#answers.get(id)?.(result);
    };
  }

  static async connect(url: string): Promise<Debugger> {
    const socket = new WebSocket(url);
    await soon(
      new Promise((resolve, reject) => {
        socket.onopen = resolve;
        socket.onerror = reject;
      }),
      "a connection to the client's debugger port",
    );
    return new Debugger(socket);
  }

  ask(method: string, params: object = {}): Promise<unknown> {
    const id = ++this.#last;
    const answer = new Promise((resolve) => this.#answers.set(id, resolve));
    this.#socket.send(JSON.stringify({ id, method, params }));
    return soon(answer, `the answer to ${method}`);
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}

permittedTest(
  "a debugger connects where the client's output says; a processor at a breakpoint does not hang",
  NEEDS,
  async () => {
    await using _home = await isolatedHome();
    let output = "";
    const decoder = new TextDecoder();
    await using host = launch({
      inspect: true,
      output: (chunk) => output += decoder.decode(chunk, { stream: true }),
    });
    await soon(host.ready, "ready");
    const url = /ws:\/\/127\.0\.0\.1:\d+\/\S+/.exec(output)?.[0];
    assert(url !== undefined, output);
    using peer = await Debugger.connect(url);
    await peer.ask("Runtime.enable");
    const answer = await peer.ask("Runtime.evaluate", {
      expression: "Deno.pid",
    });
    assertEquals(
      (answer as { result: { value: number } }).result.value,
      host.clientPid,
    );
    await peer.ask("Debugger.enable");
    await peer.ask("Debugger.pause");
    await sendTick(host, "echo");
    await until("a stop", () => peer.events.includes("Debugger.paused"));
    await lapse(1_500);
    await peer.ask("Debugger.resume");
    using result = await soon(host.output.ticks.next(), "the answer");
    assertEquals(result?.schema_name, "echo");
  },
);

permittedTest(
  "a debugger's address is one of this machine",
  NEEDS,
  () => {
    for (
      const inspect of [
        "0.0.0.0:9229",
        "9229",
        "127.0.0.1:65536",
        "example.com:1",
        "",
      ]
    ) {
      assertThrows(
        () => launch({ inspect, output: () => {} }),
        BridgeError,
        `Cannot launch with inspect ${
          JSON.stringify(inspect)
        }: it must be true or an address of this machine`,
      );
    }
    return Promise.resolve();
  },
);
