/**
 * The frame objects that user code gets: to fill, and to read. Each is an instance
 * of a class that is made once per schema. Its textures and buffers are getters,
 * which throw once the lease has ended; all other values are its own properties.
 *
 * @module
 */

import type {
  FieldType,
  NumericArray,
  Schema,
} from "../../proto/schema/field_type.ts";
import { CUSTOM_INSPECT, type Inspect } from "../../proto/custom_inspect.ts";
import { BridgeError } from "../../proto/errors.ts";
import {
  canGenerate,
  Code,
  oncePer,
  property,
} from "../../proto/generated_code.ts";
import { SurfaceView } from "../../proto/schema/surface_view.ts";
import { FrameSurface } from "./frame_surface.ts";
import { Lease, type Lender, type PieceView } from "./lease.ts";
import { PrivateSurface } from "./private_surface.ts";

/** The values of a frame, by field. */
export interface FrameValues {
  /** The value of the field of that name. */
  readonly [field: string]: unknown;
}

/** Without textures and buffers. */
const NONE: readonly unknown[] = Object.freeze([]);

/** Sets the other values of a frame. */
type SetOwn = (frame: object, values: FrameValues) => void;

/**
 * Returns what sets the values of these names. An optional value that a template
 * does not give is null, as in a received frame. Generated code takes a tenth of
 * the time of the loop; V8 may be told to forbid it.
 */
function setter(names: readonly string[]): SetOwn {
  if (canGenerate()) {
    const code = new Code();
    for (const name of names) {
      code.add(
        `${property("frame", name)} = ${property("values", name)} ?? null;`,
      );
    }
    return code.make("frame, values") as SetOwn;
  }
  return (frame, values) => {
    for (const name of names) {
      (frame as Record<string, unknown>)[name] = values[name] ?? null;
    }
  };
}

/** Makes the frames of one port. Without values, whoever asks for a frame sets its fields, all of them and in the order of the schema. */
export type FrameMaker = (lease: Lease, values?: FrameValues) => LeasedFrame;

/** What the frames of one port have in common. */
interface FrameKind {
  readonly make: FrameMaker;
  /** The names of the textures and buffers. */
  readonly shared: readonly string[];
  readonly setOwn: SetOwn;
}

const KIND = Symbol("kind");

/** A texture or a buffer that is a field of the frame itself. */
function isShared(type: FieldType): boolean {
  return type.kind === "Optional"
    ? isShared(type.inner)
    : type.kind === "Texture" || type.kind === "Buffer";
}

/**
 * A frame object of this library, as against a plain object with the same fields:
 * only such an object can be sent.
 */
export abstract class Leased {
  /** Never set. For the type checker, an object of your own with the same fields is no `Leased`. */
  declare protected readonly isLeased: true;
}

/** A frame on lease. */
export class LeasedFrame extends Leased implements Disposable {
  /** Set on the prototype of each class. */
  declare protected readonly [KIND]: FrameKind;
  readonly #lease: Lease;
  /** The textures and buffers, in the order of their names. */
  readonly #shared: unknown[];

  /** Called by the maker of a port; see {@link LeasedFrame.maker}. */
  protected constructor(
    { shared, setOwn }: FrameKind,
    lease: Lease,
    values: FrameValues | undefined,
  ) {
    super();
    this.#lease = lease;
    this.#shared = shared.length === 0
      ? NONE as unknown[]
      : shared.map((name) => values?.[name]);
    if (values) setOwn(this, values);
  }

  /** Returns what makes the frames of a schema. */
  static readonly maker: (schema: Schema) => FrameMaker = oncePer((schema) =>
    LeasedFrame.#maker(schema)
  );

  /** Makes the class of a schema's frames. */
  static #maker(schema: Schema): FrameMaker {
    const names = Object.keys(schema.fields);
    const shared = names.filter((name) => isShared(schema.fields[name]!.type));
    const setOwn = setter(names.filter((name) => !shared.includes(name)));
    class OfSchema extends LeasedFrame {
      constructor(lease: Lease, values: FrameValues | undefined) {
        super(kind, lease, values);
      }
    }
    const make: FrameMaker = (lease, values) => new OfSchema(lease, values);
    const kind: FrameKind = { make, shared, setOwn };
    Object.defineProperty(OfSchema, "name", { value: schema.name });
    Object.defineProperty(OfSchema.prototype, KIND, { value: kind });
    shared.forEach((name, index) => {
      Object.defineProperty(OfSchema.prototype, name, {
        enumerable: true,
        get(this: LeasedFrame): unknown {
          return this.#read(index);
        },
        set(this: LeasedFrame, value: unknown): void {
          this.#shared[index] = value;
        },
      });
    });
    return make;
  }

  /**
   * Returns the lease of a frame that is about to be sent on a port; it may have
   * ended because its channel was closed. Throws `bad_argument` if the frame cannot
   * be sent for another reason.
   */
  static leaseToSend(frame: object, portName: string): Lease {
    const refuse = (why: string): BridgeError =>
      new BridgeError(
        "bad_argument",
        `Cannot send this frame on port '${portName}': ${why}`,
      );
    if (!(frame instanceof LeasedFrame)) {
      throw refuse(
        "it is no frame that acquire() has returned or that was received; " +
          "a copy(), or an object of your own, can be the template of acquire()",
      );
    }
    if (frame.#lease.isClosed) return frame.#lease;
    if (!frame.#lease.isHeld) throw refuse("it was already sent or disposed");
    const field = frame.#transferredField();
    if (field === undefined) return frame.#lease;
    throw refuse(
      `the memory of its field '${field}' was transferred to another owner; ` +
        "transfer a copy, as in pixels.slice()",
    );
  }

  /** Whether the frame is on lease, and the end of the lease gives something back to its sender. */
  static owes(frame: object): boolean {
    if (!(frame instanceof LeasedFrame)) return false;
    const { isHeld, views, confirms } = frame.#lease;
    return isHeld && (views.length > 0 || confirms !== undefined);
  }

  /** Returns the name of a field whose memory was transferred; undefined if there is none. */
  #transferredField(): string | undefined {
    const { views } = this.#lease;
    if (views.length === 0 || !views.some((view) => view.isTransferred)) {
      return undefined;
    }
    const index = this.#shared.findIndex(isTransferred);
    if (index >= 0) return this[KIND].shared[index];
    const values = Object.entries(this);
    return values.find(([_, value]) => isTransferred(value))?.[0];
  }

  #read(index: number): unknown {
    if (!this.#lease.isHeld) throw this.#lease.error();
    const value = this.#shared[index];
    if (ArrayBuffer.isView(value) && isTransferred(value)) {
      throw this.#lease.transferred();
    }
    return value;
  }

  /** Another lease on the same memory. */
  clone(): LeasedFrame {
    const { lender, original, spare } = this.#held();
    if (this.#transferredField() !== undefined) throw this.#lease.transferred();
    const lease = new Lease(lender, original);
    lease.spare = spare;
    return this.#into(lease, ({ isReadOnly }) => isReadOnly, (other) => other);
  }

  /** Another lease on the memory of a frame, from another lender and for reading only, with a copy of the frame's own arrays. */
  static kept(frame: LeasedFrame, lender: Lender): LeasedFrame {
    const lease = new Lease(lender);
    return frame.#into(lease, () => true, (numbers) => numbers.slice());
  }

  /** The same frame in another lease. */
  #into(
    lease: Lease,
    isReadOnly: (view: PieceView) => boolean,
    other: (numbers: Numbers) => Numbers,
  ): LeasedFrame {
    const views = new Map<PieceView, PieceView>();
    const again = (view: PieceView): PieceView => {
      const made = views.get(view) ??
        lease.show(view.use.hold(), isReadOnly(view));
      views.set(view, made);
      // Private memory is copied when it is opened: it must be, while the first view exists.
      if (lease.spare) void made.buffer;
      return made;
    };
    try {
      const values = this.#map(this.#replaceViews(again, other));
      return this[KIND].make(lease, values);
    } catch (error) {
      lease.end("disposed"); // releases what it holds already
      throw error;
    }
  }

  /** Replaces the views of this frame. The lease does not hold memory that is not its own: `other` replaces it. */
  #replaceViews(
    again: (view: PieceView) => PieceView,
    other: (numbers: Numbers) => Numbers,
  ): Replace {
    const { views } = this.#lease;
    return {
      surface: (surface) => {
        const view = FrameSurface.viewOf(surface);
        return surface instanceof FrameSurface && view && views.includes(view)
          ? surface.again(again(view))
          : surface;
      },
      numbers: (numbers) => {
        const view = this.#lease.viewOf(numbers.buffer);
        if (!view) return other(numbers);
        if (view.isTransferred) throw this.#lease.transferred();
        const TypedArray = numbers.constructor as new (
          buffer: ArrayBuffer,
          offset: number,
          length: number,
        ) => NumericArray;
        return new TypedArray(
          again(view).buffer,
          numbers.byteOffset,
          numbers.length,
        );
      },
    };
  }

  /** The content, in private memory. */
  copy(): FrameValues {
    this.#held();
    return this.#map({
      surface: (surface) => {
        const copy = new PrivateSurface(surface);
        copy.copyFrom(surface.copyTo());
        return copy;
      },
      numbers: (numbers) => numbers.slice() as NumericArray,
    });
  }

  #held(): Lease {
    if (!this.#lease.isHeld) throw this.#lease.error();
    return this.#lease;
  }

  /** Returns all values, with every texture and array replaced. */
  #map(replace: Replace): FrameValues {
    const values: Record<string, unknown> = {};
    for (const name in this) values[name] = replaced(this[name], replace);
    return values;
  }

  /** Shows the textures and buffers too, which are not among its own properties; none after the end of the lease. */
  [CUSTOM_INSPECT](inspect: Inspect, options: object): string {
    const { isHeld } = this.#lease;
    const shared = isHeld
      ? this[KIND].shared.map((name, index) => [name, this.#shared[index]])
      : [];
    const values = { ...Object.fromEntries(shared), ...this };
    const ended = isHeld ? "" : " (its lease has ended)";
    return `${this.constructor.name}${ended} ${inspect(values, options)}`;
  }

  [Symbol.dispose](): void {
    this.#lease.end("disposed");
  }
}

/** What takes the place of textures and typed arrays. */
interface Replace {
  surface(surface: SurfaceView): SurfaceView;
  numbers(numbers: Numbers): Numbers;
}

/** A typed array in a frame. */
type Numbers = NumericArray | Uint8Array;

function replaced(value: unknown, replace: Replace): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (ArrayBuffer.isView(value)) {
    return replace.numbers(value as Numbers);
  }
  if (Array.isArray(value)) return value.map((one) => replaced(one, replace));
  if (value instanceof SurfaceView) return replace.surface(value);
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [name, replaced(one, replace)]),
  );
}

/** Whether a view of the memory in a value was transferred, at any depth. */
function isTransferred(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (ArrayBuffer.isView(value)) {
    return value.buffer instanceof ArrayBuffer && value.buffer.detached;
  }
  const view = FrameSurface.viewOf(value);
  return view ? view.isTransferred : Object.values(value).some(isTransferred);
}
