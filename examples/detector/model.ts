/**
 * Makes the model, an ONNX file of 1 KB: a convolution, whose result is high in the
 * middle of a bright spot, and the highest of its results nearby. The numbers of the
 * fields are in https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
 */
import { type Field, message } from "./protobuf.ts";

/** The radius of a spot, in pixels. */
export const RADIUS = 4;
/** The radius of a spot and its surroundings: the results lack so many pixels at each side. */
export const EDGE = 7;

const FLOAT = 1; // a TensorProto.DataType
const INTS = 7; // an AttributeProto.AttributeType

/** Returns the file. Its input is `gray`, its outputs are `score` and `best`. */
export function spotModel(): Uint8Array {
  const side = 2 * EDGE + 1;
  const sizes = [1, 1, side, side].map((size): Field => [1, size]);
  const data = new Uint8Array(weights(side).buffer);
  const tensor = message(...sizes, [2, FLOAT], [8, "weights"], [9, data]);
  const window = ints("kernel_shape", side, side);
  const pads = ints("pads", EDGE, EDGE, EDGE, EDGE);
  const find = message([1, "gray"], [1, "weights"], [2, "score"], [4, "Conv"]);
  const pool: Field[] = [[4, "MaxPool"], [5, window], [5, pads]];
  const compare = message([1, "score"], [2, "best"], ...pool);
  const results: Field[] = [[12, image("score")], [12, image("best")]];
  const declared: Field[] = [[11, image("gray")], ...results];
  const nodes: Field[] = [[1, find], [1, compare], [2, "spots"], [5, tensor]];
  const graph = message(...nodes, ...declared);
  return message([1, 8], [7, graph], [8, message([2, 13])]); // IR 8, operators 13
}

/** The mean of a spot less the mean of its surroundings. */
function weights(side: number): Float32Array {
  const radii = Array.from({ length: side * side }, (_, i) => {
    return Math.hypot(i % side - EDGE, Math.floor(i / side) - EDGE);
  });
  const inside = radii.filter((radius) => radius <= RADIUS).length;
  const all = radii.filter((radius) => radius <= EDGE).length;
  return Float32Array.from(radii, (radius) => {
    if (radius <= RADIUS) return 1 / inside;
    return radius <= EDGE ? -1 / (all - inside) : 0;
  });
}

/** Declares floats in four dimensions of any size: picture, channel, row, column. */
function image(name: string): Uint8Array {
  const shape = message(...[1, 2, 3, 4].map((): Field => [1, message()]));
  return message([1, name], [2, message([1, message([1, FLOAT], [2, shape])])]);
}

function ints(name: string, ...values: number[]): Uint8Array {
  const list = values.map((value): Field => [8, value]);
  return message([1, name], ...list, [20, INTS]);
}
