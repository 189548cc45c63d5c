// deno-lint-ignore-file no-console -- a program prints its result
/** One source and three clients: each gets a clone of every picture, without a copy. */
import { ReactiveHost } from "@streamlib/bridge/host";
import { draw } from "./draw.ts";
import { COLOR, PLANE } from "./ports.ts";

const [folder] = Deno.args;
if (!folder) throw new Error("usage: host.ts FOLDER");
const SIZE = { width: 640, height: 360, pixel_format: "rgba8" } as const;
const COUNT = 100;
const colors = ["red", "green", "blue"];

await using closing = new AsyncDisposableStack();
const hosts = colors.map((name) =>
  closing.use(ReactiveHost.launch({
    module: new URL("./plane.ts", import.meta.url),
    inputs: { color: COLOR },
    outputs: { plane: PLANE },
    env: { COLOR: name },
  }))
);
const [, ...received] = await Promise.all([send(), ...hosts.map(receive)]);
const copied = hosts.reduce((sum, { stats }) => sum + stats.copied_bytes, 0);
console.log(
  `${received} of ${COUNT} pictures, ${copied} bytes of pixels copied`,
);

async function send(): Promise<void> {
  for (let n = 0; n < COUNT; n++) {
    await Promise.all(hosts.map(({ input }) => input.color.ready));
    using frame = hosts[0]!.input.color.acquire(SIZE);
    draw(frame.pixel_buffer, n);
    for (const { input } of hosts) {
      using again = frame.clone(); // another lease on the same memory
      input.color.send(again);
    }
  }
  await Promise.all(hosts.map((host) => host.drain()));
}

/** Reads all pictures of a client, and writes the last one as a PGM file. */
async function receive(host: typeof hosts[0], index: number): Promise<number> {
  let received = 0;
  for await (using frame of host.output.plane) {
    if (++received < COUNT) continue;
    const { width, height } = frame;
    const head = new TextEncoder().encode(`P5 ${width} ${height} 255\n`);
    const rows = [...frame.pixel_buffer.rows()].map((row) => row.slice());
    const file = new Blob([head, ...rows]).stream();
    await Deno.writeFile(`${folder}/${colors[index]}.pgm`, file);
  }
  return received;
}
