import { assertEquals } from "@std/assert";
import { GrpcSession } from "../../../../broker/grpc/grpc_session.ts";
import { Log } from "../../../../broker/log/log.ts";
import { Incidents } from "../../../../broker/registry/incidents.ts";
import { Shares } from "../../../../broker/registry/shares.ts";
import { systemClock } from "../../../../ffi/clock.ts";
import { testProcess } from "../../../helpers/registry.ts";

/** A session of one process, with its quota of unread answers. */
function session(): { session: GrpcSession; answers: Shares } {
  const answers = new Shares("answers", 1000);
  const session = new GrpcSession({
    guest: { process: testProcess(1), useful() {}, leave() {} },
    answers,
    incidents: new Incidents(),
    log: new Log("test", { sink() {}, now: () => 0 }),
    clock: systemClock,
    close() {},
  });
  return { session, answers };
}

Deno.test("a gRPC session: an answer is charged until its stream has closed and nothing waits", () => {
  const { session: one, answers } = session();
  let waits = true;
  one.hasBacklog = () => waits;
  const streamClosed = one.answer(100, true);
  streamClosed();
  assertEquals(answers.used, 100);
  waits = false;
  one.drained();
  assertEquals(answers.used, 0);
});

Deno.test("a gRPC session: a connection that closes while an answer waits gives it back once", () => {
  const { session: one, answers } = session();
  one.hasBacklog = () => true;
  one.answer(100, true)();
  one.closed();
  one.drained(); // the callback of the write that was under way
  assertEquals(answers.used, 0);
  assertEquals(answers.of(testProcess(1)), 0);
});
