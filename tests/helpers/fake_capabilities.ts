import type { NumericArray } from "../../proto/schema/field_type.ts";
import { isNumericArray } from "../../proto/schema/numeric_array.ts";
import type { PixelFormat, Surface } from "../../proto/schema/surface.ts";
import {
  paddedLayout,
  type SurfaceLayout,
} from "../../proto/schema/surface_layout.ts";
import { SurfaceView } from "../../proto/schema/surface_view.ts";
import type {
  CapabilityReader,
  CapabilityWriter,
} from "../../proto/wire/type_codec.ts";
import {
  getNumber,
  isDictionary,
  uint64,
  type XpcValue,
} from "../../proto/wire/xpc_value.ts";

class Unread extends SurfaceView {
  readonly layout: SurfaceLayout;

  constructor(pixel_format: PixelFormat) {
    super();
    this.layout = paddedLayout({ width: 2, height: 1, pixel_format });
  }

  get pixels(): never {
    throw new Error("the codec looked at the pixels");
  }
}

/** A surface of 2 by 1 pixels. A read of its pixels throws. */
export function surface(pixel_format: PixelFormat): Surface {
  return new Unread(pixel_format);
}

/** Shared memory within one process: the writer stores an item under a number, and the reader finds it by that number. */
export class FakeCapabilities {
  /** The written items, in order. */
  readonly sent: (Surface | NumericArray)[] = [];

  readonly writer: CapabilityWriter = {
    texture: (surface) => this.#send(surface),
    buffer: (samples) => this.#send(samples),
  };

  readonly reader: CapabilityReader = {
    texture: (value) => {
      const found = this.#find(value);
      return found === undefined || ArrayBuffer.isView(found)
        ? "no surface of this connection"
        : found;
    },
    buffer: (value, element_type) => {
      const found = this.#find(value);
      return isNumericArray(element_type, found)
        ? found
        : "no buffer of this connection";
    },
  };

  #send(what: Surface | NumericArray): XpcValue {
    const surface_id = uint64(this.sent.push(what));
    return { surface_id, generation: uint64(0) };
  }

  #find(value: XpcValue): Surface | NumericArray | undefined {
    if (!isDictionary(value)) return undefined;
    return this.sent[Number(getNumber(value, "surface_id", "uint64")) - 1];
  }
}
