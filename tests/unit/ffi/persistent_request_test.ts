import { assertEquals, assertRejects } from "@std/assert";
import {
  PersistentRequest,
  type PersistentRequestOptions,
  UnknownConnection,
} from "../../../ffi/persistent_request.ts";
import { BridgeError } from "../../../proto/errors.ts";
import { Timeline } from "../../helpers/sim/timeline.ts";
import { settled } from "../../helpers/sim/world.ts";

const GONE = new BridgeError("broker_unreachable", "no broker");
const REFUSED = new BridgeError("not_permitted", "refused");
const UNKNOWN = new BridgeError("connection_failed", "unknown");

/** A request whose attempts are ended by the test. */
class Scene {
  readonly timeline = new Timeline();
  readonly told: string[] = [];
  readonly abort = new AbortController();
  readonly request: PersistentRequest;
  isOrphan = false;
  attempts = 0;
  #attempt = Promise.withResolvers<string | UnknownConnection>();

  constructor(options: Partial<PersistentRequestOptions> = {}) {
    this.request = new PersistentRequest(this.timeline.clock(this), {
      firstPauseMs: 100,
      maxPauseMs: 400,
      unknownGraceMs: 500,
      orphanError: ({ message }) =>
        this.isOrphan
          ? new BridgeError("channel_lost", `orphan: ${message}`)
          : undefined,
      retrying: (reason) => this.told.push(reason),
      ...options,
    });
  }

  ask(): Promise<string> {
    const asked = this.request.ask(() => {
      this.attempts++;
      this.#attempt = Promise.withResolvers();
      return this.#attempt.promise;
    }, this.abort.signal);
    asked.catch(() => {}); // the test awaits it
    return asked;
  }

  /** Ends the current attempt. */
  async end(result: string | UnknownConnection | BridgeError): Promise<void> {
    if (result instanceof BridgeError) this.#attempt.reject(result);
    else this.#attempt.resolve(result);
    await settled();
  }

  /** Moves the time to the end of the pause. Returns its length. */
  async pass(): Promise<number> {
    const { timeline } = this;
    const before = timeline.now;
    timeline.moveTo(timeline.nextAt!);
    timeline.due(this)!();
    await settled();
    return timeline.now - before;
  }
}

Deno.test("a request is repeated until it is answered, and each new reason is told once", async () => {
  const scene = new Scene();
  const asked = scene.ask();
  const pauses: number[] = [];
  for (const error of [GONE, GONE, new BridgeError("timed_out", "slow")]) {
    await scene.end(error);
    assertEquals(scene.request.trouble, error.message);
    pauses.push(await scene.pass());
  }
  assertEquals(pauses, [100, 200, 400]);
  assertEquals(scene.told, ["no broker", "slow"]);
  assertEquals(scene.request.isAsking, true);
  await scene.end("answer");
  assertEquals(await asked, "answer");
  assertEquals(scene.attempts, 4);
  assertEquals(scene.request.isAsking, false);
  assertEquals(scene.request.trouble, "");
  const again = scene.ask();
  await scene.end(GONE);
  assertEquals(scene.told, ["no broker", "slow", "no broker"]);
  await scene.pass();
  await scene.end("second");
  assertEquals(await again, "second");
});

Deno.test("an answer of a broker that was lost meanwhile does not count", async () => {
  const scene = new Scene();
  const asked = scene.ask();
  scene.request.lost();
  await scene.end("of the first");
  assertEquals(scene.attempts, 2);
  await scene.end("of the second");
  scene.request.lost();
  assertEquals(await asked, "of the second");
  assertEquals(scene.attempts, 2);
});

Deno.test("a refusal is thrown at once, and the request may be asked again", async () => {
  const scene = new Scene();
  const asked = scene.ask();
  await scene.end(REFUSED);
  assertEquals(await assertRejects(() => asked), REFUSED);
  const again = scene.ask();
  await scene.end("answer");
  assertEquals(await again, "answer");
});

Deno.test("an unknown connection, a deadline and an orphan each end the attempts with their error", async () => {
  const unknown = new Scene();
  const forgotten = unknown.ask();
  for (let i = 0; i < 3; i++) {
    await unknown.end(new UnknownConnection(UNKNOWN));
    await unknown.pass();
  }
  await unknown.end(new UnknownConnection(UNKNOWN));
  assertEquals(await assertRejects(() => forgotten), UNKNOWN);
  assertEquals(unknown.told, ["unknown"]);

  const late = new Scene({ deadline: 100 });
  const overdue = late.ask();
  late.request.extend(101);
  await late.end(GONE);
  await late.pass();
  await late.end(GONE);
  await late.pass();
  await late.end(GONE);
  assertEquals(await assertRejects(() => overdue), GONE);
  assertEquals(late.attempts, 3);

  const orphan = new Scene();
  const asked = orphan.ask();
  orphan.isOrphan = true;
  await orphan.end(GONE);
  await assertRejects(() => asked, BridgeError, "orphan: no broker");
});

Deno.test("an abort ends the pause, and no attempt follows", async () => {
  const scene = new Scene();
  const asked = scene.ask();
  await scene.end(GONE);
  scene.abort.abort(REFUSED);
  assertEquals(await assertRejects(() => asked), REFUSED);
  assertEquals(await assertRejects(() => scene.ask()), REFUSED);
  assertEquals(scene.attempts, 1);
  assertEquals(scene.timeline.nextAt, undefined);
});

Deno.test("a request is not asked twice at a time", async () => {
  const scene = new Scene();
  const asked = scene.ask();
  await assertRejects(() => scene.ask(), Error, "asked already");
  await scene.end("answer");
  assertEquals(await asked, "answer");
  assertEquals(scene.attempts, 1);
});
