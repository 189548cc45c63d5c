import { assert, assertEquals, assertThrows } from "@std/assert";
import { BridgeError } from "../../proto/errors.ts";
import {
  acquirePicture,
  exchangePicture,
  launchPorts,
  type PortsHost,
} from "../fixtures/given_away/exchange.ts";
import { run } from "../helpers/child.ts";
import { isolatedHome } from "../helpers/home.ts";
import { HOST_NEEDS, permittedTest } from "../helpers/permitted.ts";
import { soon, until } from "../helpers/soon.ts";
import { giveAway, type Transfer, TRANSFERS } from "../helpers/transfers.ts";

/** Memory whose view was transferred, between real processes. */

const BYTES = 64 * 36 * 4;

/** Sends a picture and a sound of one value, and checks what comes back. */
async function exchange(
  host: PortsHost,
  value: number,
  transfer?: Transfer,
): Promise<void> {
  using picture = await soon(exchangePicture(host, value), "a picture");
  const { pixels } = picture.pixel_buffer;
  assertEquals([pixels.length, pixels[0], pixels.at(-1)], [
    BYTES,
    value,
    value,
  ]);
  await soon(host.input.audio.ready, "room");
  using sound = host.input.audio.acquire({
    samples: { length: 960 },
    channels: 2,
    sample_rate: 48_000,
    timestamp_ns: 0n,
    frame_number: BigInt(value),
  });
  sound.samples.fill(value);
  assert(host.input.audio.send(sound));
  using back = (await soon(host.output.audio.next(), "a sound"))!;
  assertEquals([back.samples.length, back.samples[959]], [960, value]);
  if (transfer) await giveAway([picture, back], transfer);
}

/** Transfers the memory of a picture that is not sent. */
async function lose(host: PortsHost, transfer: Transfer): Promise<void> {
  using frame = await acquirePicture(host, 0);
  await giveAway(frame, transfer);
  assertThrows(() => host.input.video.send(frame), BridgeError, "transferred");
}

/** Closes twice; `ended` settles without a failure. */
async function close(host: PortsHost): Promise<void> {
  await soon(host.close(), "close");
  await soon(host.close(), "a second close");
  assertEquals(await soon(host.ended, "ended"), undefined);
}

for (const [name, transfer] of TRANSFERS) {
  permittedTest(
    `${name} in the host: all frames cross, and close is as always`,
    HOST_NEEDS,
    async () => {
      using _ = isolatedHome();
      await using host = launchPorts("echo.ts");
      await soon(host.ready, "ready");
      for (let value = 1; value <= 5; value++) {
        await lose(host, transfer);
        await exchange(host, value, transfer);
      }
      await exchange(host, 6);
      assertEquals(host.stats.given_away, 3 * 5);
      assertEquals([host.stats.misfits, host.stats.dropped], [0, 0]);
      await close(host);
    },
  );
}

permittedTest(
  "transfers in the client: all frames cross, and it ends in order",
  HOST_NEEDS,
  async () => {
    using _ = isolatedHome();
    await using host = launchPorts("transfers_all.ts");
    await soon(host.ready, "ready");
    for (let value = 1; value <= 2 * TRANSFERS.length; value++) {
      await exchange(host, value);
    }
    assertEquals([host.stats.misfits, host.stats.given_away], [0, 0]);
    await close(host);
  },
);

permittedTest(
  "a client that dies is replaced, whatever was transferred",
  HOST_NEEDS,
  async () => {
    using _ = isolatedHome();
    await using host = launchPorts("echo.ts", {
      restart: "on-failure",
      onRestart: () => {},
    });
    await soon(host.ready, "ready");
    for (const [index, [, transfer]] of TRANSFERS.entries()) {
      await exchange(host, 1 + index, transfer);
      const before = host.clientPid!;
      Deno.kill(before, "SIGKILL");
      await until("another client", () => host.restarts === index + 1);
      await exchange(host, 10 + index);
      assert(host.clientPid !== before);
    }
    await close(host);
  },
);

for (const way of ["held", "transferred", "killed", "worker"]) {
  permittedTest(
    `a view whose owner has ended is no crash: ${way}`,
    HOST_NEEDS,
    async () => {
      using _ = isolatedHome();
      const { code, stdout, stderr } = await run(Deno.execPath(), {
        args: [
          "run",
          "--quiet",
          "--allow-all",
          "--no-check",
          new URL("../fixtures/given_away/survives.ts", import.meta.url).href,
          way,
        ],
      });
      assertEquals([code, stdout.trim()], [0, `[${BYTES},7,7,1]`], stderr);
    },
  );
}
