import { assertEquals } from "@std/assert";
import { isolatedHome } from "../helpers/home.ts";
import { HOST_NEEDS, permittedTest } from "../helpers/permitted.ts";
import type { Report } from "./old_peers/host.ts";
import {
  NEW,
  oldVersion,
  prepareOldVersion,
  type Version,
} from "./old_version.ts";
import { runHost, startBroker } from "./broker_and_peers.ts";

/**
 * Hosts, clients and brokers of this version and of the one before features, in
 * every pairing. Each of the three is a process of its own, but a broker that the
 * host runs itself.
 */

/** On each port, to each of two clients: every format, and surfaces that are used again. */
const FRAMES = 24;

prepareOldVersion();

type Name = Version["name"];

/** Host, client and broker, and what the pairing is. */
const PAIRINGS: readonly (readonly [Name, Name, Name | "own", string])[] = [
  ["new", "new", "new", "nothing is old: what the others are compared with"],
  ["new", "new", "old", "an installed broker of before serves a new project"],
  ["new", "old", "new", "only the processor's library is of before"],
  ["new", "old", "old", "only the host was updated"],
  ["old", "new", "new", "only the host's library is of before"],
  ["old", "new", "old", "only the processor's library was updated"],
  ["old", "new", "own", "an old host runs its own broker for a new client"],
  ["old", "old", "new", "a new broker serves a project of before"],
  ["old", "old", "old", "nothing is new: the programs are right for it"],
];

for (const [host, client, broker, sentence] of PAIRINGS) {
  permittedTest(
    `${host} host, ${client} client, ${broker} broker: ${sentence}; frames of every schema both ways, a restart, an orderly end`,
    HOST_NEEDS,
    async () => {
      using _ = isolatedHome();
      const versions = { new: NEW, old: await oldVersion() };
      await using serving = broker === "own"
        ? undefined
        : await startBroker(versions[broker]);
      const ended = await runHost(
        versions[host],
        versions[client],
        "inverts.ts",
        {
          ...(serving && { service: serving.service }),
          frames: FRAMES,
          brief: host === "new",
          restarts: true,
        },
      );
      assertEquals([ended.code, ended.stderr], [0, ""], ended.stdout);
      assertEquals(JSON.parse(ended.stdout) as Report, {
        said: "setup\nsetup\nteardown\n",
        warnings: [],
        restarts: 1,
        received: 6 * FRAMES,
        misfits: 0,
        stray_releases: 0,
        states: ["acked", "acked", "ready"],
        failure: "",
      });
      if (serving) assertEquals((await serving.end()).code, 0);
    },
  );
}
