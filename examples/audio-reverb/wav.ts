/** WAV files of 16-bit samples, as numbers from -1 to 1. */

export interface Sound {
  readonly channels: number;
  readonly sampleRate: number;
  readonly samples: Float32Array;
}

export function readWav(path: string): Sound {
  const file = Deno.readFileSync(path);
  const view = new DataView(file.buffer);
  let channels = 0, sampleRate = 0;
  for (let at = 12; at + 8 <= file.length;) {
    const name = new TextDecoder().decode(file.subarray(at, at + 4));
    const start = at + 8;
    const end = Math.min(start + view.getUint32(at + 4, true), file.length);
    if (name === "fmt ") {
      channels = view.getUint16(start + 2, true);
      sampleRate = view.getUint32(start + 4, true);
      if (view.getUint16(start + 14, true) !== 16) break;
    } else if (name === "data") {
      const samples = Float32Array.from(
        { length: Math.floor((end - start) / 2) },
        (_, i) => view.getInt16(start + 2 * i, true) / 32768,
      );
      return { channels, sampleRate, samples };
    }
    at = end + end % 2;
  }
  throw new Error(`${path} is not a WAV file of 16-bit samples`);
}

export function writeWav(path: string, sound: Sound): void {
  const { channels, sampleRate, samples } = sound;
  const view = new DataView(new ArrayBuffer(44 + 2 * samples.length));
  const text = (at: number, word: string): void =>
    [...word].forEach((c, i) => view.setUint8(at + i, c.charCodeAt(0)));
  const u32 = (at: number, value: number) => view.setUint32(at, value, true);
  text(0, "RIFF");
  u32(4, view.byteLength - 8);
  text(8, "WAVEfmt ");
  u32(16, 16);
  u32(20, channels << 16 | 1);
  u32(24, sampleRate);
  u32(28, sampleRate * channels * 2);
  u32(32, 16 << 16 | channels * 2);
  text(36, "data");
  u32(40, 2 * samples.length);
  samples.forEach((value, i) => {
    const whole = Math.round(Math.max(-1, Math.min(1, value)) * 32767);
    view.setInt16(44 + 2 * i, whole, true);
  });
  Deno.writeFileSync(path, new Uint8Array(view.buffer));
}
