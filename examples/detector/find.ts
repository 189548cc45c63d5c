/** Finds spots in a picture with the model, which ONNX Runtime runs in WebAssembly. */
import * as ort from "onnxruntime-web/wasm";
import { EDGE, spotModel } from "./model.ts";

ort.env.wasm.numThreads = 1; // each further one would be a worker

/** A spot: its middle, and how much brighter it is than its surroundings. */
export interface Spot {
  readonly x: number;
  readonly y: number;
  readonly score: number;
}

/** Loads the model. A model of a file is loaded in the same way, from its bytes. */
export function loadModel(): Promise<ort.InferenceSession> {
  return ort.InferenceSession.create(spotModel());
}

/** Returns the spots of a gray picture whose score is not less than the threshold. */
export async function findSpots(
  model: ort.InferenceSession,
  gray: Uint8Array,
  width: number,
  threshold: number,
): Promise<Spot[]> {
  const height = gray.length / width;
  const values = Float32Array.from(gray, (value) => value / 255);
  const picture = new ort.Tensor("float32", values, [1, 1, height, width]);
  const results = await model.run({ gray: picture });
  const scores = results.score!.data as Float32Array;
  const best = results.best!.data as Float32Array;
  const spots: Spot[] = [];
  for (let y = EDGE, i = 0; y < height - EDGE; y++) {
    for (let x = EDGE; x < width - EDGE; x++, i++) {
      const score = scores[i]!;
      if (score >= threshold && score === best[i]) spots.push({ x, y, score });
    }
  }
  return spots;
}
