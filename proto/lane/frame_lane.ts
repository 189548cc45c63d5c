/**
 * The outermost functions of a codec: a whole frame. They are generated for each
 * schema too, so that the engine can put the code of the frame's level into them.
 *
 * @module
 */

import type { Frame, Schema } from "../schema/field_type.ts";
import { amount } from "../schema/schema_place.ts";
import { Misfit } from "../wire/misfit.ts";
import { Code } from "../generated_code.ts";
import type { LaneBytes, MemoryFinder, MemoryNamer } from "./lane_memory.ts";
import {
  changed,
  type LaneType,
  PayloadReader,
  PayloadWriter,
} from "./lane_type.ts";

/** Writes and reads the frames of one schema. */
export interface FrameLane<S extends Schema> {
  /** The schema of the frames. */
  readonly schema: S;
  /** Returns the bytes of a frame's payload, or why it cannot be sent: with the same words as the `check` of dictionaries. */
  measure(frame: unknown): number | Misfit;
  /**
   * Writes a frame that was measured. Writes nothing outside [at, at + bytes).
   *
   * @param at where the payload begins, a multiple of 8
   * @param bytes what {@link measure} has returned
   * @param names is asked once for each texture and buffer
   * @throws {BridgeError} `bad_argument` if the frame is no longer as it was
   * measured; what `names` throws. Then the bytes are not a frame
   */
  write(
    frame: Frame<S>,
    into: LaneBytes,
    at: number,
    bytes: number,
    names: MemoryNamer,
  ): void;
  /**
   * Reads the payload in [at, at + bytes), and nothing outside it. Each value is
   * read once, then checked, then used; text and bytes are copied before they are
   * looked at. Returns undefined, or why the frame does not fit its schema. Never
   * throws, unless `finder` does.
   *
   * @param at where the payload begins, a multiple of 8
   * @param bytes the size of the payload; all of it is within `from`
   * @param frame gets the fields, in the order of the schema. It is not to be used
   * if the payload does not fit
   */
  read(
    from: LaneBytes,
    at: number,
    bytes: number,
    finder: MemoryFinder,
    frame: object,
  ): Misfit | undefined;
}

/** Generates the function that measures a schema's frames. */
export function measureFrames(
  name: string,
  { fits, check, end }: LaneType,
): FrameLane<Schema>["measure"] {
  const why = (frame: unknown): Misfit | undefined => check(frame)?.of(name);
  const code = new Code();
  code.add(
    `if (!${code.constant(fits)}(frame)) {`,
    `  const misfit = ${code.constant(why)}(frame);`,
    "  if (misfit !== undefined) return misfit;",
    "}",
    `return ${code.constant(end)}(frame, 0);`,
  );
  return code.make("frame") as FrameLane<Schema>["measure"];
}

/** Generates the function that writes a schema's frames. */
export function writeFrames({ write }: LaneType): FrameLane<Schema>["write"] {
  const code = new Code();
  const Writer = code.constant(PayloadWriter);
  code.add(
    "const end = at + bytes;",
    `const writer = new ${Writer}(into, end, names);`,
    `if (${code.constant(write)}(frame, writer, at) !== end) {`,
    `  throw ${code.constant(changed)}();`,
    "}",
  );
  return code.make("frame, into, at, bytes, names") as FrameLane<
    Schema
  >["write"];
}

/** Generates the function that reads a schema's frames. */
export function readFrames(
  name: string,
  { read }: LaneType,
): FrameLane<Schema>["read"] {
  const refuse = (misfit: Misfit): Misfit => misfit.of(name);
  const tooLong = ({ at, end }: PayloadReader): Misfit =>
    new Misfit(name, "", "no other fields", `${amount(end - at, "byte")} more`);
  const code = new Code();
  const Reader = code.constant(PayloadReader);
  code.add(
    `const reader = new ${Reader}(from, at, at + bytes, finder);`,
    `const read = ${code.constant(read)}(reader, frame);`,
    `if (read !== frame) return ${code.constant(refuse)}(read);`,
    "if (reader.at === reader.end) return undefined;",
    `return ${code.constant(tooLong)}(reader);`,
  );
  return code.make("from, at, bytes, finder, frame") as FrameLane<
    Schema
  >["read"];
}
