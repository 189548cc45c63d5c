// deno-lint-ignore-file no-console -- a program prints its result
/** Sends a WAV file through a reverb in another process. The result is longer than the source. */
import { AudioFrame, ReactiveHost } from "@streamlib/bridge/host";
import { readWav, writeWav } from "./wav.ts";

const [source, target] = Deno.args;
if (!source || !target) throw new Error("usage: host.ts SOURCE.wav TARGET.wav");
const BLOCK = 1024; // moments in a frame

const sound = readWav(source);
const { channels, sampleRate, samples } = sound;
await using host = ReactiveHost.launch({
  module: new URL("./reverb.ts", import.meta.url),
  inputs: { audio: AudioFrame },
  outputs: { audio: AudioFrame },
});
const [, result] = await Promise.all([send(), receive()]);
writeWav(target, { ...sound, samples: result });
const seconds = (length: number) => (length / channels / sampleRate).toFixed(2);
console.log(`${seconds(samples.length)} s in, ${seconds(result.length)} s out`);

async function send(): Promise<void> {
  const { audio } = host.input;
  for (let at = 0; at < samples.length; at += BLOCK * channels) {
    const block = samples.subarray(at, at + BLOCK * channels);
    await audio.ready;
    using frame = audio.acquire({
      samples: { length: block.length },
      channels,
      sample_rate: sampleRate,
      timestamp_ns: BigInt(Math.round(at / channels / sampleRate * 1e9)),
    });
    frame.samples.set(block);
    audio.send(frame);
  }
  await host.drain(); // the client sends the tail
}

async function receive(): Promise<Float32Array> {
  const blocks: Float32Array[] = [];
  for await (using frame of host.output.audio) {
    blocks.push(frame.samples.slice());
  }
  const length = blocks.reduce((sum, block) => sum + block.length, 0);
  const all = new Float32Array(length);
  let at = 0;
  for (const block of blocks) {
    all.set(block, at);
    at += block.length;
  }
  return all;
}
