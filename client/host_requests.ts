/**
 * Receives the host's requests for a processor, which are changes of its settings
 * and calls: checks them, keeps them until their turn, and answers each once.
 *
 * @module
 */

import type { Message } from "../ffi/message.ts";
import {
  BridgeError,
  codeOf,
  describeError,
  type ErrorCode,
  stackOf,
} from "../proto/errors.ts";
import { MAX_REQUESTS, MAX_UNREAD_BYTES } from "../proto/limits.ts";
import {
  type Declarations,
  declarationsToJson,
} from "../proto/schema/json/declarations_json.ts";
import { quote } from "../proto/schema/schema_place.ts";
import { DeclaredCodecs } from "../proto/wire/declared_codecs.ts";
import type { FrameCodec } from "../proto/wire/frame_codec.ts";
import { CHANNEL_KEY, CTRL_TYPE } from "../proto/wire/keys.ts";
import { Misfit } from "../proto/wire/misfit.ts";
import { type AllSettings, NO_MEMORY } from "../proto/wire/settings_codec.ts";
import {
  getDictionary,
  getId,
  getString,
  type Id,
  uint64,
  type XpcDictionary,
} from "../proto/wire/xpc_value.ts";
import { LiveSettings } from "./live_settings.ts";
import type { QueuedRequest, RequestQueue } from "./request_queue.ts";

/** The client's side of the channel, as far as requests need it. */
export interface RequestLink {
  /** Sends a control message. Throws `bad_argument` if it is too large. */
  sendControl(type: string, fields: XpcDictionary): void;
  /** Notes which frames have come so far. Returns whether they were read, or will not be, at a later time. */
  framesSoFar(): () => boolean;
}

/** What handles the requests of a processor. */
export interface RequestHandler {
  /** Called when settings have changed, with their names. What it throws is the processor's failure. */
  settingsChanged(changed: readonly string[]): void | Promise<void>;
  /** Answers a call. What it throws is the answer. `signal` aborts when the host no longer waits for it. */
  call(name: string, request: object, signal: AbortSignal): unknown;
}

/** The values of a request or a reply. */
type Values = Parameters<FrameCodec["encode"]>[0];

/** A request that has no answer yet. */
interface Open {
  readonly queued: QueuedRequest;
  readonly abort: AbortController;
  readonly cost: number;
}

/** The requests of one host. */
export class HostRequests {
  /** The processor's settings. */
  readonly settings: LiveSettings;
  readonly #declared: Declarations;
  readonly #codecs: DeclaredCodecs;
  readonly #link: RequestLink;
  readonly #queue: RequestQueue;
  readonly #handler: RequestHandler;
  readonly #open = new Map<Id, Open>();
  #cost = 0;
  #first: PromiseWithResolvers<void> | undefined;

  /** @throws {BridgeError} `schema_mismatch` if what is declared is not valid */
  constructor(
    declared: Declarations,
    link: RequestLink,
    queue: RequestQueue,
    handler: RequestHandler,
  ) {
    this.#declared = declared;
    this.#codecs = new DeclaredCodecs(declared);
    this.settings = new LiveSettings(this.#codecs.settings);
    this.#link = link;
    this.#queue = queue;
    this.#handler = handler;
  }

  /**
   * Tells the host what the processor declares. Resolves when the host has sent
   * the first values of the settings, or `signal` aborts: the host's own time
   * limit ends the wait.
   */
  async declare(signal: AbortSignal): Promise<void> {
    const { settings, calls } = this.#declared;
    if (Object.keys(settings).length + Object.keys(calls).length === 0) return;
    const first = this.#first = Promise.withResolvers<void>();
    const ended = (): void => first.resolve();
    signal.addEventListener("abort", ended);
    this.#link.sendControl(CTRL_TYPE.declared, {
      [CHANNEL_KEY.declarations]: JSON.stringify(
        declarationsToJson(this.#declared),
      ),
    });
    try {
      if (!signal.aborted) await first.promise;
    } finally {
      signal.removeEventListener("abort", ended);
      this.#first = undefined;
    }
  }

  /** Handles a control message of the host, if it is about requests. */
  receive(type: string, { body, cost }: Message): void {
    const id = getId(body, CHANNEL_KEY.requestId);
    if (id === undefined) return;
    if (type === CTRL_TYPE.cancel) return this.#cancel(id);
    if (this.#open.has(id)) return; // it is answered once
    if (type === CTRL_TYPE.set) this.#set(id, body, cost);
    else if (type === CTRL_TYPE.call) this.#call(id, body, cost);
  }

  #set(id: Id, body: XpcDictionary, cost: number): void {
    const given = getDictionary(body, CHANNEL_KEY.values);
    const values = given
      ? this.#codecs.settings.decode(given)
      : new Misfit("settings", "", "a dictionary", "nothing");
    if (values instanceof Misfit) {
      return this.#refuse(id, "bad_argument", values.message);
    }
    if (this.#first) { // before `setup`: nothing is told of a change
      this.settings.apply(values);
      this.#answer(id, {});
      return this.#first.resolve();
    }
    this.#add(id, cost, async () => {
      await this.#apply(values);
      this.#answer(id, {});
    });
  }

  async #apply(values: AllSettings): Promise<void> {
    const changed = this.settings.apply(values);
    if (changed.length > 0) await this.#handler.settingsChanged(changed);
  }

  #call(id: Id, body: XpcDictionary, cost: number): void {
    const name = getString(body, CHANNEL_KEY.name) ?? "";
    const codecs = this.#codecs.call(name);
    if (!codecs) {
      return this.#refuse(
        id,
        "bad_argument",
        `the processor has no call ${
          quote(name)
        }; it has ${this.#codecs.callsText}`,
      );
    }
    const request = codecs.request.decode(
      getDictionary(body, CHANNEL_KEY.request) ?? {},
      NO_MEMORY,
    );
    if (request instanceof Misfit) {
      return this.#refuse(id, "bad_argument", request.message);
    }
    this.#add(id, cost, async (signal) => {
      try {
        const reply = await this.#handler.call(name, request, signal);
        if (!signal.aborted) this.#reply(id, codecs.reply, reply ?? {});
      } catch (error) {
        if (signal.aborted) return; // nobody waits for the answer
        this.#answer(id, {
          [CHANNEL_KEY.code]: codeOf(error),
          [CHANNEL_KEY.error]: textOf(error),
          [CHANNEL_KEY.stack]: stackOf(error),
        });
      }
    });
  }

  #reply(id: Id, codec: FrameCodec, reply: unknown): void {
    const misfit = codec.check(reply);
    if (misfit) throw new BridgeError("schema_mismatch", misfit.message);
    this.#answer(id, {
      [CHANNEL_KEY.reply]: codec.encode(reply as Values, NO_MEMORY),
    });
  }

  /** Keeps a request until its turn; refuses it if the host has sent more than it may. */
  #add(
    id: Id,
    cost: number,
    run: (signal: AbortSignal) => Promise<void>,
  ): void {
    const isFull = this.#open.size >= MAX_REQUESTS ||
      this.#open.size > 0 && this.#cost + cost > MAX_UNREAD_BYTES;
    if (isFull) {
      return this.#refuse(
        id,
        "outbox_full",
        `${this.#open.size} requests are not answered yet`,
      );
    }
    const abort = new AbortController();
    const queued: QueuedRequest = {
      isDue: this.#link.framesSoFar(),
      run: () => run(abort.signal),
    };
    this.#open.set(id, { queued, abort, cost });
    this.#cost += cost;
    this.#queue.push(queued);
  }

  #cancel(id: Id): void {
    const open = this.#open.get(id);
    if (!open) return;
    this.#queue.remove(open.queued);
    open.abort.abort();
    this.#close(id);
  }

  #close(id: Id): void {
    this.#cost -= this.#open.get(id)?.cost ?? 0;
    this.#open.delete(id);
  }

  #refuse(id: Id, code: ErrorCode, text: string): void {
    this.#answer(id, { [CHANNEL_KEY.code]: code, [CHANNEL_KEY.error]: text });
  }

  #answer(id: Id, fields: XpcDictionary): void {
    this.#link.sendControl(CTRL_TYPE.answer, {
      [CHANNEL_KEY.requestId]: uint64(id),
      ...fields,
    });
    this.#close(id);
  }
}

/** What a call's caller is told of an error. */
function textOf(error: unknown): string {
  return error instanceof BridgeError ? error.message : describeError(error);
}
