import { assertEquals, assertThrows } from "@std/assert";
import type { SurfaceHandle } from "../../../ffi/handle.ts";
import type { Native } from "../../../ffi/native.ts";
import { NativeSurface } from "../../../ffi/surface.ts";
import { BridgeError } from "../../../proto/errors.ts";

const NV12 = 0x34323076, RGBA = 0x52474241;

/** What the shim says of a surface. A plane is offset, width, height and bytes per row. */
interface Said {
  width?: number;
  height?: number;
  format?: number;
  bytes?: number;
  modifier?: number;
  planes?: readonly (readonly number[])[];
  count?: number;
}

const PLANES = [[64, 33, 17, 128], [2304, 17, 9, 64]] as const;

/** Takes over a surface of which the shim says this. `released` gets the handles that are released. */
function surface(said: Said, released: number[] = []): NativeSurface {
  const { width = 33, height = 17, format = NV12, bytes = 4096 } = said;
  const { planes = PLANES, modifier = 0 } = said;
  const values = new Uint32Array(32);
  values.set([width, height, planes[0]![3]!, format]);
  values.set([bytes % 2 ** 32, Math.floor(bytes / 2 ** 32), 77, 1], 4);
  values.set([0, modifier, said.count ?? planes.length], 8);
  planes.forEach(([offset = 0, ...rest], i) =>
    values.set(
      [offset % 2 ** 32, Math.floor(offset / 2 ** 32), ...rest],
      12 + 5 * i,
    )
  );
  const native = {
    checked: (code: number) => code,
    lease: () => {},
    symbols: {
      slb_surface_layout(_handle: number, into: Uint8Array) {
        into.set(new Uint8Array(values.buffer));
        return 0;
      },
      slb_release: (handle: number) => released.push(handle),
    },
  };
  return new NativeSurface(native as unknown as Native, 5 as SurfaceHandle);
}

Deno.test("planes count from the one that is first in memory, whatever their order", () => {
  assertEquals(surface({}).layout, {
    width: 33,
    height: 17,
    pixel_format: "nv12",
    bytes_per_row: 128,
    planes: [
      { offset: 0, width: 33, height: 17, bytes_per_row: 128 },
      { offset: 2240, width: 17, height: 9, bytes_per_row: 64 },
    ],
    bytes: 2240 + 9 * 64,
  });
  const swapped = surface({ planes: [[1024, 33, 17, 64], [128, 17, 9, 64]] });
  assertEquals(swapped.layout.planes.map(({ offset }) => offset), [896, 0]);
  assertEquals(swapped.layout.bytes, 896 + 17 * 64);
  assertEquals([swapped.bytes, swapped.memory_id], [4096, 2n ** 32n + 77n]);
});

Deno.test("a surface that is not a picture of a known format is refused by name and released", () => {
  const wrong: [Said, string][] = [
    [{ format: 0x21212121 }, "pixel format 0x21212121"],
    [{ bytes: 2 ** 30 + 1 }, "1073741825 bytes, 2 planes"],
    [{ modifier: 2 }, "format modifier 0x200000000"],
    [
      { count: 1 },
      "a surface of 33 x 17, 128 bytes a row, pixel format 0x34323076, 4096 bytes: at most",
    ],
    [{ count: 3 }, "3 planes"],
    [{ format: RGBA }, "pixel format 0x52474241"],
    [{ width: 32 }, "32 x 17"],
    [{ height: 18 }, "33 x 18"],
    [{ planes: [[64, 33, 17, 32], PLANES[1]] }, "32 bytes a row"],
    [{ planes: [PLANES[0], [2304, 17, 9, 33]] }, "2 planes"],
    [{ planes: [PLANES[0], [2304, 16, 9, 64]] }, "2 planes"],
    [{ planes: [PLANES[0], [2304, 17, 8, 64]] }, "2 planes"],
    [{ planes: [PLANES[0], [2304, 33, 17, 64]] }, "2 planes"],
  ];
  for (const [said, words] of wrong) {
    const released: number[] = [];
    const error = assertThrows(
      () => surface(said, released),
      BridgeError,
      words,
    );
    assertEquals(error.code, "malformed_message");
    assertEquals(released, [5]);
  }
});
