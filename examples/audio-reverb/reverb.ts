/** A reverb: four echoes that repeat. When the input has ended, it sends the rest of them. */
import { AudioFrame, reactive } from "@streamlib/bridge/client";

const TAIL_SECS = 2;
const FEEDBACK = 0.75, WET = 0.2;
/** Prime numbers of moments, so that the echoes do not meet. */
const DELAYS = [1423, 1777, 1973, 2099];

/** One echo line for each delay and channel. */
let lines: Float32Array[] = [];
let moment = 0;
let sound = { channels: 1, sample_rate: 48_000 };
let end_ns = 0n; // when the sound so far ends

export default reactive({
  inputs: { audio: AudioFrame },
  outputs: { audio: AudioFrame },
  async process({ input, output }) {
    await output.audio.ready;
    using frame = input.audio.get();
    if (!frame) return;
    const { channels, sample_rate, timestamp_ns } = frame;
    sound = { channels, sample_rate };
    const secs = frame.samples.length / channels / sample_rate;
    end_ns = timestamp_ns + BigInt(Math.round(1e9 * secs));
    using out = output.audio.acquire(frame);
    reverberate(frame.samples, out.samples, channels);
    output.audio.send(out);
  },
  async flush({ output }) {
    const { channels, sample_rate } = sound;
    const silence = new Float32Array(Math.floor(sample_rate / 10) * channels);
    for (let n = 0n; n < TAIL_SECS * 10; n++) {
      await output.audio.ready;
      using out = output.audio.acquire({
        ...sound,
        timestamp_ns: end_ns + n * 100_000_000n,
        samples: { length: silence.length },
      });
      reverberate(silence, out.samples, channels);
      output.audio.send(out);
    }
  },
});

function reverberate(dry: Float32Array, out: Float32Array, channels: number) {
  if (lines.length === 0) {
    lines = DELAYS.map((delay) => new Float32Array(delay * channels));
  }
  for (let i = 0; i < dry.length; i++, moment++) {
    let wet = 0;
    for (const line of lines) {
      const at = moment % line.length;
      wet += line[at]!;
      line[at] = dry[i]! + FEEDBACK * line[at]!;
    }
    out[i] = dry[i]! + WET * wet;
  }
}
