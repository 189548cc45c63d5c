/**
 * A receiving port as a Web Stream.
 *
 * @module
 */

import { BridgeError } from "../../proto/errors.ts";
import type { Schema } from "../../proto/schema/field_type.ts";
import { LeasedFrame } from "../memory/leased_frame.ts";
import type { ReceivedFrame } from "./frame_receiver.ts";

/** What a stream needs of its port. */
export interface ReadablePort<S extends Schema> {
  /** The port's name. */
  readonly name: string;
  /**
   * Waits for a frame, and hands it over in the same moment in which it takes it;
   * undefined if there will be none. Throws the channel's failure.
   *
   * @param isWanted asked before a frame is taken; once it is false, none is
   */
  handOver(
    isWanted: () => boolean,
    take: (frame: ReceivedFrame<S> | undefined) => void,
  ): Promise<void>;
  /** Nobody reads the stream any more. */
  readableEnded(): void;
}

/** The methods of a stream that take its lock. A tee is refused. */
const LOCKING = [
  "getReader",
  "pipeTo",
  "pipeThrough",
  "values",
  Symbol.asyncIterator,
] as const;

/** The stream of one port. It takes a frame from the port when somebody reads, and none ahead. */
export class FrameReadable<S extends Schema> {
  /** What the user reads. */
  readonly stream: ReadableStream<ReceivedFrame<S>>;
  readonly #port: ReadablePort<S>;
  /** Whether the stream was closed or cancelled, or has failed. */
  #isOver = false;
  /** Whether whoever has the lock has read, and not got a frame yet. */
  #isAsked = false;
  /** The frames that were read and are still on lease; perhaps some whose lease has ended since. */
  #read: Disposable[] = [];

  /** Called by the port. */
  constructor(port: ReadablePort<S>) {
    this.#port = port;
    this.stream = new ReadableStream<ReceivedFrame<S>>({
      pull: (controller) => this.#pull(controller),
      cancel: (reason) => this.#cancel(reason),
    }, { highWaterMark: 0 });
    for (const name of LOCKING) {
      const method = this.stream[name] as (...values: unknown[]) => unknown;
      const value = (...values: unknown[]) => {
        // What the last one has read was rejected when it released the lock.
        if (!this.stream.locked) this.#isAsked = false;
        return method.apply(this.stream, values);
      };
      Object.defineProperty(this.stream, name, { value });
    }
    Object.defineProperty(this.stream, "tee", { value: () => this.#tee() });
  }

  /** Whether somebody has the lock, and can read more. */
  get isRead(): boolean {
    return !this.#isOver && this.stream.locked;
  }

  async #pull(
    controller: ReadableStreamDefaultController<ReceivedFrame<S>>,
  ): Promise<void> {
    this.#isAsked = true;
    try {
      await this.#port.handOver(() => this.#isAsked && this.isRead, (frame) => {
        this.#isAsked = false;
        if (frame) {
          this.#read = this.#read.filter(LeasedFrame.owes);
          this.#read.push(frame);
          controller.enqueue(frame);
        } else {
          controller.close();
          this.#end();
        }
      });
    } catch (error) {
      this.#end();
      throw error; // the stream fails with it
    }
  }

  /**
   * A `pipeTo` cancels with a reason when something behind it has failed. Then
   * frames may be in a `TransformStream`, which forgets them: no other code can end
   * their leases.
   */
  #cancel(reason: unknown): void {
    if (reason !== undefined) {
      for (const frame of this.#read) frame[Symbol.dispose]();
    }
    this.#end();
  }

  #end(): void {
    this.#isOver = true;
    this.#read = [];
    this.#port.readableEnded();
  }

  #tee(): never {
    throw new BridgeError(
      "bad_argument",
      `Cannot tee the stream of port '${this.#port.name}': both branches would get the same frame, ` +
        "and the first to dispose it ends the lease of the other; " +
        "read it once, and send a clone() of each frame to each consumer",
    );
  }
}
