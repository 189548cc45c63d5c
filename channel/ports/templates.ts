/**
 * Completes the templates of a port's frames.
 *
 * @module
 */

import { BridgeError } from "../../proto/errors.ts";
import type { Schema } from "../../proto/schema/field_type.ts";
import type { PixelFormat } from "../../proto/schema/surface.ts";
import {
  canGenerate,
  Code,
  oncePer,
  property,
} from "../../proto/generated_code.ts";
import { type Complete, completion } from "../../proto/wire/completion.ts";
import { extraMisfit, Misfit } from "../../proto/wire/misfit.ts";
import type { Native } from "../../ffi/native.ts";

/** What the templates of a schema must be like. */
const rulesOf = oncePer((schema: Schema) => {
  const known = new Set(Object.keys(schema.fields));
  const needed = Object.entries(schema.fields)
    .filter(([, { type }]) => type.kind !== "Optional")
    .map(([name]) => name);
  return {
    complete: completion(schema),
    known,
    needed,
    fits: fitting([...known], needed),
  };
});

/** Fills in what the templates of one port do not give. */
export class Templates {
  readonly #native: Native;
  /** Frames acquired on this port so far: the number of the next one. */
  #acquired = 0;
  #name = "";
  #complete: Complete | undefined;
  #known: ReadonlySet<string> = new Set();
  /** The fields that a completed template must have. */
  #needed: readonly string[] = [];
  /** A quick check that a completed template has the needed fields and no unknown one. If it returns false, the fields are checked one by one. */
  #fits: (template: object) => boolean = () => false;
  #pixelFormat: PixelFormat | undefined;

  /** Makes the templates of a port with this schema. */
  constructor(native: Native, schema: Schema) {
    this.#native = native;
    this.agree(schema, undefined);
  }

  /** Uses the marks of this schema from now on, and this format where a template gives none. */
  agree(schema: Schema, pixel_format: PixelFormat | undefined): void {
    this.#name = schema.name;
    const { complete, known, needed, fits } = rulesOf(schema);
    this.#complete = complete;
    this.#known = known;
    this.#needed = needed;
    this.#fits = fits;
    this.#pixelFormat = pixel_format;
  }

  /**
   * Returns a template with what its schema's marks make known.
   *
   * @throws {BridgeError} `schema_mismatch`, naming the field, if it contradicts
   * itself, lacks a field even so, or has one that the schema does not
   */
  complete(template: object): object {
    const given = this.#complete
      ? this.#complete(template, {
        now: () => this.#native.symbols.slb_now_ns(),
        count: BigInt(this.#acquired),
        pixel_format: this.#pixelFormat,
      })
      : template;
    if (given instanceof Misfit) throw unfit(given.of(this.#name).message);
    if (this.#fits(given)) return given;
    const values = Object(given) as { readonly [field: string]: unknown };
    for (const name in values) {
      // A frame has only the fields of its schema, so the value would be lost.
      if (values[name] != null && !this.#known.has(name)) {
        throw unfit(extraMisfit(name).of(this.#name).message);
      }
    }
    if (this.#needed.every((name) => values[name] !== undefined)) return values;
    const missing = this.#needed.filter((name) => values[name] === undefined);
    throw unfit(
      `${this.#name} needs ${
        missing.join(", ")
      }, which the template does not have`,
    );
  }

  /** A frame was made from a template. */
  acquired(): void {
    this.#acquired++;
  }
}

/** Returns a quick form of the checks of {@link Templates.complete}. */
function fitting(
  known: readonly string[],
  needed: readonly string[],
): (template: object) => boolean {
  if (!canGenerate()) return () => false;
  const has = (name: string): string =>
    `${property("template", name)} !== undefined`;
  return new Code().add(
    "for (const name in template) {",
    "  switch (name) {",
    ...known.map((name) => `    case ${JSON.stringify(name)}:`),
    "      continue;",
    "  }",
    "  return false;",
    "}",
    `return ${
      ['typeof template === "object"', "template !== null", ...needed.map(has)]
        .join(" && ")
    };`,
  ).make("template") as (template: object) => boolean;
}

function unfit(why: string): BridgeError {
  return new BridgeError(
    "schema_mismatch",
    `Cannot acquire a frame like this: ${why}`,
  );
}
