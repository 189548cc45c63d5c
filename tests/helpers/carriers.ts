import { Broker } from "../../broker/broker.ts";
import type { QuotaLimits } from "../../broker/registry/quotas.ts";
import type { GrpcClient } from "../../broker/grpc/grpc_client.ts";
import type { StreamMethod } from "../../proto/wire/control.ts";
import { Connection } from "../../ffi/connection.ts";
import { Listener } from "../../ffi/listener.ts";
import { Native } from "../../ffi/native.ts";
import { BridgeError } from "../../proto/errors.ts";
import {
  CALL_OF_MESSAGE_TYPE,
  KEY,
  MESSAGE_TYPE,
} from "../../proto/wire/keys.ts";
import {
  int64,
  type XpcDictionary,
  XpcNumber,
  type XpcValue,
} from "../../proto/wire/xpc_value.ts";
import { PrivateDirectory } from "./grpc_fixture.ts";
import { PATIENCE_MS, soon } from "./soon.ts";

/** The calls that both carriers have, except the one with a stream of answers. */
export type SharedCall = Exclude<
  (typeof CALL_OF_MESSAGE_TYPE)[keyof typeof CALL_OF_MESSAGE_TYPE],
  StreamMethod
>;

/** The result of a call: an answer, or a refusal with its reason. */
export type Outcome =
  | { readonly answer: Readonly<Record<string, unknown>> }
  | { readonly refused: string };

/** A process that calls the broker over one of the carriers. */
interface Party {
  call(name: SharedCall, request: object, token?: string): Promise<Outcome>;
  /** The watched state of a connection, kept up to date. It exists after the broker has accepted the watch. */
  watch(
    request: object,
    token?: string,
  ): Promise<{ readonly events: Record<string, unknown>[] } | Outcome>;
}

/** A broker with two processes that call it, and the relay, which uses XPC for both. */
export interface Stage extends AsyncDisposable {
  readonly service: string;
  readonly host: Party;
  readonly client: Party;
  store(request: object, token?: string): Promise<Outcome>;
  fetch(request: object, token?: string): Promise<Outcome>;
}

/** A stage whose two parties use XPC. Needs only ffi. `limits` are the broker's quotas. */
export function xpcStage(limits: Partial<QuotaLimits> = {}): Promise<Stage> {
  return relayStage(limits);
}

/** A stage whose two parties use gRPC. Loads grpc-js, which needs more permissions than ffi. */
export async function grpcStage(
  limits: Partial<QuotaLimits> = {},
): Promise<Stage> {
  const { PatientClient } = await import("./patient_client.ts");
  await using held = new AsyncDisposableStack();
  const address = `unix:${held.use(new PrivateDirectory()).path}/run/s`;
  const relay = held.use(await relayStage(limits, address));
  const ended = held.adopt(
    new AbortController(),
    (controller) => controller.abort(),
  );
  const party = (): Party =>
    grpcParty(held.use(new PatientClient(address)), ended.signal);
  const [host, client] = [party(), party()];
  const kept = held.move();
  return {
    ...relay,
    host,
    client,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

async function relayStage(
  limits: Partial<QuotaLimits>,
  grpc?: string,
): Promise<Stage> {
  await using held = new AsyncDisposableStack();
  const native = held.use(Native.open());
  const random = crypto.randomUUID().replaceAll("-", "");
  const broker = held.use(
    await Broker.start({
      service: `com.example.test.${random}`,
      log: { sink: () => {}, level: "error" },
      limits,
      ...(grpc !== undefined && { grpc }),
    }),
  );
  const host = held.use(new XpcParty(native, broker.service));
  const client = held.use(new XpcParty(native, broker.service));
  const listener = held.use(Listener.anonymous(native));
  listener.activate({ peer: (p) => p[Symbol.dispose](), ended: () => {} });
  const endpoint = held.use(listener.endpoint());
  const kept = held.move();
  return {
    service: broker.service,
    host,
    client,
    store: (request, token) =>
      host.ask(MESSAGE_TYPE.storeEndpoint, request, token, {
        [KEY.endpoint]: endpoint.borrow(),
      }),
    fetch: (request, token) =>
      client.ask(MESSAGE_TYPE.getEndpoint, request, token),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** A process that calls the broker over XPC. */
export class XpcParty implements Party, Disposable {
  readonly #connection: Connection;
  readonly #events: Record<string, unknown>[] = [];

  constructor(native: Native, service: string) {
    this.#connection = Connection.toService(native, service);
    this.#connection.activate({
      message: (message) => {
        using _ = message;
        const { [KEY.type]: type, ...event } = plain(message.body);
        if (type === MESSAGE_TYPE.connectionEvent) this.#events.push(event);
      },
      ended: () => {},
    });
  }

  call(name: SharedCall, request: object, token?: string): Promise<Outcome> {
    return this.ask(typeOf(name), request, token);
  }

  async watch(
    request: object,
    token?: string,
  ): Promise<{ events: Record<string, unknown>[] } | Outcome> {
    const outcome = await this.ask(MESSAGE_TYPE.watch, request, token);
    return "refused" in outcome ? outcome : { events: this.#events };
  }

  /** Over XPC a refusal is an answer with an error code. */
  async ask(
    type: string,
    request: object,
    token?: string,
    extra: XpcDictionary = {},
  ): Promise<Outcome> {
    using reply = await this.#connection.request({
      ...travelling(request),
      ...extra,
      [KEY.type]: type,
      ...(token !== undefined && { [KEY.token]: token }),
    }, { timeoutMs: PATIENCE_MS });
    const answer = plain(reply.body);
    return KEY.code in answer
      ? { refused: String(answer[KEY.error]) }
      : { answer };
  }

  [Symbol.dispose](): void {
    this.#connection[Symbol.dispose]();
  }
}

function grpcParty(client: GrpcClient, ended: AbortSignal): Party {
  const options = (token: string | undefined): { token?: string } =>
    token === undefined ? {} : { token };
  return {
    call: (name, request, token) =>
      client.call(name, request, options(token))
        .then((answer) => ({ answer: { ...answer } }), refusal),
    async watch(request, token) {
      const events: Record<string, unknown>[] = [];
      const stream = client.stream("WatchConnection", request, {
        ...options(token),
        signal: ended,
      });
      try {
        const first = await soon(stream.next(), "the first event");
        if (!first.done) events.push({ ...first.value });
      } catch (error) {
        return refusal(error);
      }
      (async () => {
        for await (const event of stream) events.push({ ...event });
      })().catch(() => {}); // the end of the stage
      return { events };
    },
  };
}

function refusal(error: unknown): Outcome {
  if (!(error instanceof BridgeError)) throw error;
  if (error.code !== "bad_argument" && error.code !== "not_permitted") {
    throw error;
  }
  return { refused: error.message };
}

function typeOf(name: SharedCall): string {
  const found = Object.entries(CALL_OF_MESSAGE_TYPE).find(([, call]) =>
    call === name
  );
  return found![0];
}

function travelling(request: object): XpcDictionary {
  const body: Record<string, XpcValue> = {};
  for (const [key, value] of Object.entries(request)) {
    body[key] = typeof value === "number" ? int64(value) : value;
  }
  return body;
}

/** Converts an answer to a form in which both carriers can be compared: every integer is a number. */
function plain(body: XpcDictionary): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(body).map(([key, value]) => [
      key,
      value instanceof XpcNumber ? value.toNumber() : value,
    ]),
  );
}
