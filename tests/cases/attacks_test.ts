import { assert, assertEquals, assertMatch } from "@std/assert";
import { attack } from "./case.ts";

/**
 * The attacks, each with its right result: the victim's memory stays within its
 * budgets, everybody else is served, and the attacker is named.
 */

/** The most megabytes that a broker may have, with the runtime's own. */
const MOST_MB = 400;

/** The numbers behind `label` in the output. */
function numbers(output: string, label: RegExp): number[] {
  const pattern = new RegExp(`${label.source}\\D{0,3}(\\d+)`, "g");
  return [...output.matchAll(pattern)].map((match) => Number(match[1]));
}

function assertBounded(values: readonly number[], most: number): void {
  assert(values.length > 0, "nothing was measured");
  assert(Math.max(...values) <= most, `${Math.max(...values)} > ${most}`);
}

for (const program of ["broker.py", "schema.py"]) {
  attack("01-outbox", [program], (output) => {
    const unit = program === "broker.py" ? 1024 : 1;
    const memory = numbers(output, /rss (?:KB|MB)?/);
    assertBounded(memory.map((value) => value / unit), MOST_MB);
    assertMatch(output, /flood end/, "the attacker was not ended");
    assertMatch(output, /after: rss .* probe \[?\d/);
  });
}

for (const [peers, messages] of [["100", "1"], ["1", "100"]] as const) {
  attack("02-inbox", ["inbox_n.py", peers, messages], (output) => {
    assertBounded(numbers(output, /(?:rss MB|peak)/), MOST_MB);
    const probes = [...output.matchAll(/probe(?: ms)? (\S+)/g)];
    assert(probes.length > 0);
    for (const [, answer] of probes) {
      assertMatch(answer!, /^[\d.]+$/, "a bystander was not served");
    }
    assertMatch(output, /"pid":\d+,"count":\d+/, "nobody was named");
  });
}

attack("03-slow-client", ["host.ts", "100000", "6"], (output) => {
  assertBounded(numbers(output, /fds/), 200);
  assert(numbers(output, /"dropped"/).some((count) => count > 0));
});

attack("03-slow-client", ["host_order.ts", "100000", "6"], (output) => {
  assertBounded(numbers(output, /fds/), 200);
});

attack("03-slow-client", ["busy_host.ts", "100000", "8"], (output) => {
  assertBounded(numbers(output, /fds/), 200);
  assertBounded(numbers(output, /rss MB/), MOST_MB);
  assertMatch(output, /close took/);
  assertMatch(output, /^ENDED \S+ undefined undefined$/m); // an orderly close
  assert(!/THROWN/.test(output));
});

attack("04-kills", ["kills.py", "1", "8", "own"], (output) => {
  const kills = output.trim().split("\n").map((line) => JSON.parse(line));
  assertEquals(kills.pop().final, 0, "the next start failed");
  assertEquals(kills.length, 8);
  for (const { res, target, sig, ended } of kills) {
    // Ctrl-C goes to every process of a terminal: a client leaves it to its host.
    const spared = target === "client" && sig === "SIGINT";
    assertEquals(res, spared ? "LEFT" : "gone", `${sig} for the ${target}`);
    assert(!JSON.stringify(ended).includes("CORRUPT"));
  }
}, { result: "kills-1.jsonl" });

attack("06-host-killed-early", ["zombie.py", "8"], (output) => {
  // How long each client lived, in ms: the script waits 100 s. Before, it was the client's timeout of 300 s.
  const lived = [...output.matchAll(/\(\d+, (\d+)\)/g)];
  assertEquals(lived.length, 8);
  for (const [, ms] of lived) assert(Number(ms) < 100_000, output);
});

attack("08-log", ["log.py"], (output) => {
  assertMatch(output, /dir of uid 1001, mode 755: .*(1001|owner|other user)/);
  assertMatch(output, /disk full, served 600 calls; .* alive True/);
}, { root: true });

attack(
  "09-http2",
  ["h2.py", "ping", "winupd", "settings", "slowread"],
  (output) => {
    const rows = output.split("\n").filter((line) => /^\w+ +sent/.test(line));
    assertEquals(rows.length, 4);
    for (const row of rows) {
      const peak = /rss MB \d+->(\d+)/.exec(row);
      assertBounded([Number(peak?.[1])], MOST_MB);
      assertMatch(row, /bad \[\]/);
      assertMatch(row, /alive True after: xpc \d.* grpc \d.* stop 0/);
    }
  },
);

attack("19-exits", ["reason.py"], (output) => {
  assertEquals(
    numbers(output, /host hears: \w+ +client_failed/).length >= 0,
    true,
  );
  assertMatch(output, /host hears: throw +client_failed/);
  assertMatch(output, /host hears: big +client_failed/);
});

// Its victims are of the attacker's own process, whose share is full. That other
// processes are served is shown in tests/unit/broker/registry.
attack("20-quota", ["quota.py"], (output) => {
  assertBounded(numbers(output, /one process holds/), 4096);
  assertBounded(numbers(output, /registered by one process/), 256);
  assertMatch(output, /process \d+ has \d+ of \d+ connections/);
});
