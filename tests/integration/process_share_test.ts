import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  grpcStage,
  type Outcome,
  type Stage,
  xpcStage,
} from "../helpers/carriers.ts";
import { GRPC_NEEDS } from "../helpers/grpc_fixture.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { PATIENCE_MS, soon } from "../helpers/soon.ts";

/**
 * A process that opens as many connections as it likes, over either carrier, holds
 * no more of each thing than a process may have.
 */

/** The broker's limits. A process may have a quarter. */
const LIMITS = { connections: 64, endpoints: 8, runtimes: 8, watchers: 8 };
const SHARES = { connections: 16, endpoints: 2, runtimes: 2, watchers: 2 };

/** Makes `times` attempts, from both connections of this process in turn. Returns the outcomes that are no refusals, and the last refusal. */
async function attempts(
  times: number,
  attempt: (number: number) => Promise<Outcome | { events: unknown[] }>,
): Promise<{ got: Record<string, unknown>[]; refusal: string }> {
  const got: Record<string, unknown>[] = [];
  let refusal = "";
  for (let number = 0; number < times; number++) {
    const outcome = await soon(attempt(number), `attempt ${number}`);
    if ("refused" in outcome) refusal = outcome.refused;
    else if ("events" in outcome) got.push({});
    else if (outcome.answer["success"] === false) {
      refusal = String(outcome.answer["error"]);
    } else got.push(outcome.answer);
  }
  return { got, refusal };
}

async function holdsItsShare(stage: Stage): Promise<void> {
  const both = [stage.host, stage.client];
  const party = (number: number) => both[number % 2]!;
  const assertShare = (
    name: keyof typeof SHARES,
    { got, refusal }: { got: unknown[]; refusal: string },
  ): void => {
    assertEquals(got.length, SHARES[name], `${name}: ${refusal}`);
    assertStringIncludes(refusal, `process ${Deno.pid} has`);
    assertStringIncludes(refusal, name);
  };
  const made = await attempts(
    20,
    (number) =>
      party(number).call("AllocateConnection", {
        runtime_id: `r${number}`,
        processor_id: "p",
      }),
  );
  assertShare("connections", made);
  const id = (number: number) => ({
    connection_id: made.got[number]!["connection_id"],
  });
  assertShare(
    "runtimes",
    await attempts(6, (number) =>
      party(number).call("RegisterRuntime", {
        runtime_id: `r${number}`,
        name: "r",
        api_endpoint: "",
        log_path: "",
        pid: 1,
      })),
  );
  assertShare(
    "endpoints",
    await attempts(6, (number) => stage.store(id(2 * number))),
  );
  assertShare(
    "watchers",
    await attempts(6, (number) => party(number).watch(id(number))),
  );
  // A request that would be held is answered at once: it would be a watcher too.
  const outcome = await soon(
    stage.fetch({ ...id(9), wait_ms: PATIENCE_MS * 2 }),
    "the answer",
  );
  assert("answer" in outcome && outcome.answer["found"] === false);
}

permittedTest(
  "a process holds its share of everything, however many connections it has, over XPC",
  { service: true },
  async () => {
    await using stage = await xpcStage(LIMITS);
    await holdsItsShare(stage);
  },
);

permittedTest(
  "a process holds its share of everything, however many connections it has, over gRPC",
  GRPC_NEEDS,
  async () => {
    await using stage = await grpcStage(LIMITS);
    await holdsItsShare(stage);
  },
);
