/**
 * What a host asks its client beside the frames: changes of settings, and calls.
 * Each is sent at most once, and each is settled: by the client's answer, by its
 * time limit, or by the end of the client or of the host.
 *
 * @module
 */

import type { Timer, TimerClock } from "../ffi/clock.ts";
import { BridgeError, codeOf } from "../proto/errors.ts";
import { CALL_ANSWER_MS, MAX_REQUESTS } from "../proto/limits.ts";
import {
  NO_DECLARATIONS,
  parseDeclarations,
} from "../proto/schema/json/declarations_json.ts";
import { quote, show } from "../proto/schema/schema_place.ts";
import type { Features } from "../proto/wire/features.ts";
import {
  type CallCodecs,
  DeclaredCodecs,
} from "../proto/wire/declared_codecs.ts";
import type { FrameCodec } from "../proto/wire/frame_codec.ts";
import { CHANNEL_KEY, CTRL_TYPE } from "../proto/wire/keys.ts";
import { Misfit } from "../proto/wire/misfit.ts";
import {
  type AllSettings,
  type GivenSettings,
  NO_MEMORY,
  type SettingsCodec,
} from "../proto/wire/settings_codec.ts";
import {
  getDictionary,
  getId,
  getString,
  type Id,
  uint64,
  type XpcDictionary,
} from "../proto/wire/xpc_value.ts";
import { reportedError } from "./client_failure.ts";
import {
  badTimeLimit,
  clientTooOld,
  requestAborted,
  requestLate,
  requestMisfit,
  requestUnanswered,
  tooManyRequests,
} from "./request_errors.ts";

/** The options of a call, and of a change of settings. */
export interface AskOptions {
  /** Aborts the wait: it rejects with `aborted`. A call that the client has not begun is not made; of one that it has begun, the client's `signal` aborts. A change that was sent is not undone. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds until the answer, counted also while the host is not ready or its client is started again. Default: 10,000. */
  readonly timeoutMs?: number;
}

/** What requests need from their host. */
export interface AskingHost {
  readonly clock: TimerClock;
  /** Gets what the owner of the host must know. */
  warn(text: string): void;
  /** The channel. */
  readonly channel: {
    readonly features: Features;
    sendControl(type: string, fields: XpcDictionary): void;
  };
}

/** A request that is not settled. */
interface Asked {
  readonly kind: "set" | "call";
  /** What it is, for errors: `the call 'snapshot'`. */
  readonly what: string;
  /** Sends it. Throws a `BridgeError` if it is not valid; it is settled then. */
  send(id: number): void;
  /** Makes a change one of the values that the next client starts with. Throws as {@link send} does. */
  readonly join?: () => void;
  /** The client has answered, without an error. Returns why the answer is not valid. */
  answered(body: XpcDictionary): BridgeError | undefined;
  /** The client has refused it. */
  refused(): void;
  resolve(): void;
  /** Releases its timer, and rejects. */
  reject(error: BridgeError): void;
}

/** Asks one client after the other, as a host restarts. */
export class ClientRequests {
  readonly #host: AskingHost;
  /** The values that were given, at the launch or later, and that each client gets. */
  #given: GivenSettings;
  /** What the client has declared. */
  #declared: DeclaredCodecs | undefined;
  #isOpen = false;
  /** Whether a client was ready. It had values that fit. */
  #wasOpen = false;
  /** Why nothing can be asked any more. */
  #over: BridgeError | undefined;
  #lastId = 0;
  /** Not sent yet, in their order. */
  readonly #waiting = new Set<Asked>();
  readonly #sent = new Map<Id, Asked>();
  /** Changes whose client has ended before it answered. The next one gets them with its first values. */
  readonly #carried = new Set<Asked>();

  /**
   * @param given the values of settings from the start
   * @throws {BridgeError} `bad_argument` if one cannot be the value of any setting, or they are no object
   */
  constructor(host: AskingHost, given: GivenSettings) {
    this.#host = host;
    const problem = objectProblem("launch", given);
    if (problem) throw problem;
    for (const [name, value] of Object.entries(given)) {
      const kind: string = typeof value;
      if (
        ["undefined", "boolean", "number", "bigint", "string"].includes(kind)
      ) {
        continue;
      }
      throw new BridgeError(
        "bad_argument",
        `Cannot launch with the setting ${quote(name)} ${
          show(value)
        }: a setting is true or false, a number, a bigint or a string`,
      );
    }
    this.#given = { ...given };
  }

  // ---- for the owner ----

  /** The values of the settings: those that were given, and once a client has declared them the defaults of the others. */
  get values(): AllSettings {
    const given = Object.entries(this.#given).filter(([, value]) =>
      value !== undefined
    );
    return Object.freeze({
      ...this.#declared?.settings.defaults,
      ...Object.fromEntries(given),
    }) as AllSettings;
  }

  /** Changes settings; see `ProcessorHost.settings`. */
  set(values: GivenSettings, options: AskOptions = {}): Promise<void> {
    const problem = objectProblem("change the settings", values);
    if (problem) return Promise.reject(problem);
    const done = Promise.withResolvers<void>();
    const change = { ...values };
    let before: GivenSettings = {};
    let after: AllSettings = {};
    const encoded = (): XpcDictionary => {
      const { settings: codec } = this.#codecs;
      const misfit = codec.check(change);
      if (misfit) throw requestMisfit("change the settings", misfit);
      return codec.encode(change);
    };
    const take = (body: XpcDictionary): void => {
      before = this.#given;
      after = rounded(this.#codecs.settings, body);
      this.#given = { ...before, ...after };
    };
    this.#ask(done, options, {
      kind: "set",
      what: `the change of ${Object.keys(change).map(quote).join(", ")}`,
      join: () => take(encoded()),
      send: (id) => {
        const body = encoded();
        this.#send(CTRL_TYPE.set, id, { [CHANNEL_KEY.values]: body });
        take(body); // not if it was too large to be sent
      },
      answered: () => undefined,
      refused: () => {
        for (const [name, value] of Object.entries(after)) {
          if (!Object.is(this.#given[name], value)) continue; // changed since
          this.#given = { ...this.#given, [name]: before[name] };
        }
      },
      resolve: () => done.resolve(),
    });
    return done.promise;
  }

  /** Calls the processor; see `ProcessorHost.call`. */
  call(
    name: string,
    request: object = {},
    options: AskOptions = {},
  ): Promise<object> {
    const done = Promise.withResolvers<object>();
    let reply: object = {};
    this.#ask(done, options, {
      kind: "call",
      what: `the call ${quote(name)}`,
      send: (id) => {
        const { request: codec } = this.#callCodecs(name);
        const misfit = codec.check(request);
        if (misfit) throw requestMisfit(`call ${quote(name)}`, misfit);
        this.#send(CTRL_TYPE.call, id, {
          [CHANNEL_KEY.name]: name,
          [CHANNEL_KEY.request]: codec.encode(
            request as Parameters<FrameCodec["encode"]>[0],
            NO_MEMORY,
          ),
        });
      },
      answered: (body) => {
        const fields = getDictionary(body, CHANNEL_KEY.reply) ?? {};
        const decoded = this.#callCodecs(name).reply.decode(fields, NO_MEMORY);
        if (decoded instanceof Misfit) {
          return new BridgeError(
            "malformed_message",
            `The client's answer to the call ${
              quote(name)
            } is not valid: ${decoded.message}`,
          );
        }
        reply = decoded;
        return undefined;
      },
      refused: () => {},
      resolve: () => done.resolve(reply),
    });
    return done.promise;
  }

  #ask(
    done: { reject(error: Error): void },
    { signal, timeoutMs = CALL_ANSWER_MS }: AskOptions,
    request: Omit<Asked, "reject">,
  ): void {
    const { what } = request;
    if (this.#over) return done.reject(this.#over);
    if (signal?.aborted) return done.reject(requestAborted(what, signal));
    if (!(timeoutMs >= 0 && timeoutMs < 2 ** 31)) {
      return done.reject(badTimeLimit(what, timeoutMs));
    }
    if (this.#count >= MAX_REQUESTS) {
      return done.reject(tooManyRequests(what, this.#count));
    }
    const onAbort = (): void =>
      this.#giveUp(asked, requestAborted(what, signal!));
    const settle = (): void => {
      timer.cancel();
      signal?.removeEventListener("abort", onAbort);
    };
    const asked: Asked = {
      ...request,
      resolve: () => {
        settle();
        request.resolve();
      },
      reject: (error) => {
        settle();
        done.reject(error);
      },
    };
    const timer: Timer = this.#host.clock.after(
      timeoutMs,
      () => {
        const wasSent = [...this.#sent.values()].includes(asked);
        this.#giveUp(asked, requestLate(what, timeoutMs, wasSent));
      },
    );
    signal?.addEventListener("abort", onAbort, { once: true });
    if (this.#isOpen) this.#begin(asked);
    else this.#waiting.add(asked);
  }

  get #count(): number {
    return this.#waiting.size + this.#sent.size + this.#carried.size;
  }

  /** Nobody waits for it any more. The client may refuse a change still: then its value is not the host's either. */
  #giveUp(asked: Asked, error: BridgeError): void {
    this.#waiting.delete(asked);
    this.#carried.delete(asked);
    for (const [id, one] of this.#sent) {
      if (one !== asked || asked.kind === "set") continue;
      this.#sent.delete(id);
      this.#send(CTRL_TYPE.cancel, Number(id), {});
    }
    asked.reject(error);
  }

  #begin(asked: Asked): void {
    const id = ++this.#lastId;
    try {
      asked.send(id);
      this.#sent.set(id, asked);
    } catch (error) {
      if (codeOf(error) === undefined) throw error;
      asked.reject(error as BridgeError);
    }
  }

  #send(type: string, id: number, fields: XpcDictionary): void {
    this.#host.channel.sendControl(type, {
      [CHANNEL_KEY.requestId]: uint64(id),
      ...fields,
    });
  }

  /** Whether a request waits for the client's answer. */
  get isAsked(): boolean {
    return this.#sent.size > 0;
  }

  /** The names of the calls that the client has declared, in its order. */
  get callNames(): readonly string[] {
    return this.#declared?.callNames ?? [];
  }

  /** What the client has declared. Throws `version_mismatch` if its library knows no requests. */
  get #codecs(): DeclaredCodecs {
    if (!this.#host.channel.features.has("requests")) throw clientTooOld();
    return this.#declared ??= new DeclaredCodecs(NO_DECLARATIONS);
  }

  #callCodecs(name: string): CallCodecs {
    const codecs = this.#codecs.call(name);
    if (codecs) return codecs;
    throw new BridgeError(
      "bad_argument",
      `Cannot call ${quote(name)}: the processor has ${this.#codecs.callsText}`,
    );
  }

  // ---- for the connection ----

  /** A client begins: what the last one has declared does not count. */
  connected(): void {
    this.#declared = undefined;
  }

  /** The client has said what its module's processor declares. Sends it the first values. Returns why the connection must fail. */
  declared(body: XpcDictionary): BridgeError | undefined {
    try {
      const text = getString(body, CHANNEL_KEY.declarations) ?? "";
      this.#declared = new DeclaredCodecs(parseDeclarations(text));
      const codec = this.#declared.settings;
      this.#joinWaiting();
      const misfit = this.#unfit(codec);
      if (misfit) return requestMisfit("launch", misfit);
      const values = codec.encode(this.#given);
      this.#given = rounded(codec, values);
      this.#send(CTRL_TYPE.set, ++this.#lastId, {
        [CHANNEL_KEY.values]: values,
      });
      return undefined;
    } catch (error) {
      if (error instanceof BridgeError) return error;
      throw error;
    }
  }

  /** The client is about to be ready. Returns why the connection must fail: it does not know the settings that were given. */
  started(): BridgeError | undefined {
    const given = Object.keys(this.#given).length > 0;
    if (!given || this.#declared) return undefined;
    try {
      const misfit = this.#unfit(this.#codecs.settings);
      return misfit && requestMisfit("launch", misfit);
    } catch (error) {
      return error as BridgeError;
    }
  }

  /** The changes that wait for a client: the next one starts with them, so that it cannot fail again because of the values that they replace. */
  #joinWaiting(): void {
    for (const asked of this.#waiting) {
      if (!asked.join) continue;
      this.#waiting.delete(asked);
      try {
        asked.join();
        this.#carried.add(asked);
      } catch (error) {
        if (codeOf(error) === undefined) throw error;
        asked.reject(error as BridgeError);
      }
    }
  }

  /** Returns why a value does not fit the client's module. A later module may have other settings than the first one: then the value is left out. */
  #unfit(codec: SettingsCodec): Misfit | undefined {
    if (!this.#wasOpen) return codec.check(this.#given);
    for (const [name, value] of Object.entries(this.#given)) {
      const misfit = codec.check({ [name]: value });
      if (!misfit) continue;
      const { [name]: _, ...others } = this.#given;
      this.#given = others;
      this.#host.warn(
        `the next client starts without the setting ${quote(name)}, which was ${
          show(value)
        }: ${misfit.message}`,
      );
    }
    return undefined;
  }

  /** The client is ready: it has the values. Sends what has waited. */
  opened(): void {
    this.#isOpen = this.#wasOpen = true;
    for (const asked of this.#carried) asked.resolve();
    this.#carried.clear();
    for (const asked of this.#waiting) {
      this.#waiting.delete(asked);
      this.#begin(asked);
    }
  }

  /** The client has answered a request. An answer that nobody waits for is ignored. */
  answered(body: XpcDictionary): void {
    const id = getId(body, CHANNEL_KEY.requestId);
    const asked = id === undefined ? undefined : this.#sent.get(id);
    if (!asked) return;
    this.#sent.delete(id!);
    const text = getString(body, CHANNEL_KEY.error);
    if (text === undefined) {
      const problem = asked.answered(body);
      if (problem) asked.reject(problem);
      else asked.resolve();
      return;
    }
    asked.refused();
    const { code, reason, cause } = reportedError(body, text);
    asked.reject(
      new BridgeError(
        code ?? "client_failed",
        `The client has answered ${asked.what} with an error: ${reason}`,
        { cause },
      ),
    );
  }

  /** The client is gone; another one may follow. It gets the changes that this one has not confirmed, but no call twice. */
  lost(failure: BridgeError | undefined): void {
    this.#isOpen = false;
    for (const [id, asked] of this.#sent) {
      this.#sent.delete(id);
      if (asked.kind === "set") this.#carried.add(asked);
      else asked.reject(requestUnanswered(asked.what, failure));
    }
  }

  /** The host ends: nothing is asked any more. */
  ended(failure: BridgeError | undefined): void {
    this.lost(failure);
    this.#over = failure ??
      new BridgeError("closed", "Cannot ask the client: the host was closed");
    for (const asked of [...this.#waiting, ...this.#carried]) {
      asked.reject(this.#over);
    }
    this.#waiting.clear();
    this.#carried.clear();
  }
}

/** Returns why something is no object with the values of settings, such as a caller without types gives. */
function objectProblem(
  doing: string,
  values: unknown,
): BridgeError | undefined {
  if (
    typeof values === "object" && values !== null && !Array.isArray(values)
  ) return undefined;
  return new BridgeError(
    "bad_argument",
    `Cannot ${doing}: the settings are ${
      show(values)
    }, not an object with a value for each name: write { amount: 0.5 }`,
  );
}

/** The values as the client has them: a Float32 is rounded. */
function rounded(codec: SettingsCodec, body: XpcDictionary): AllSettings {
  return codec.decode(body) as AllSettings;
}
