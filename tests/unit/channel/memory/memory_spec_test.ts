import { assertEquals } from "@std/assert";
import {
  bufferMisfit,
  textureMisfit,
} from "../../../../channel/memory/memory_spec.ts";
import { surface } from "../../../helpers/fake_capabilities.ts";

const GRAY = { width: 1, height: 32_768, pixel_format: "gray8" } as const;

Deno.test("a texture's size is whole sides of 1 to 32768, and the type's format", () => {
  assertEquals(textureMisfit("any", GRAY), undefined);
  assertEquals(textureMisfit("gray8", GRAY), undefined);
  assertEquals(textureMisfit("rgba8", surface("rgba8")), undefined);
  for (
    const [spec, got] of [
      [{ ...GRAY, width: 0 }, "{width: 0, height: 32768, pixel_format: "],
      [{ ...GRAY, width: -1 }, "{width: -1, "],
      [{ ...GRAY, width: 1.5 }, "{width: 1.5, "],
      [{ ...GRAY, width: NaN }, "{width: NaN, "],
      [{ ...GRAY, width: 32_769 }, "{width: 32769, "],
      [{ ...GRAY, width: "1" }, '{width: "1", '],
      [
        { width: 32_768, height: 32_768, pixel_format: "rgba8" },
        "{width: 32768, height: 32768, ",
      ],
      [{ ...GRAY, height: 1n }, "{width: 1, height: 1n (expected a number), "],
      [{ ...GRAY, pixel_format: "grey8" }, '"grey8"'],
      [{ ...GRAY, pixel_format: "toString" }, '"toString"'],
      [{}, "{width: undefined, height: undefined, pixel_format: undefined}"],
      [null, "null"],
      [undefined, "nothing"],
      ["gray8", '"gray8"'],
      [7, "7"],
    ] as const
  ) {
    const misfit = textureMisfit("any", spec);
    assertEquals(misfit?.got.includes(got), true, `${misfit?.got}: ${got}`);
    const isFormatWrong = Object(spec) === spec &&
      !["gray8", "rgba8"].includes(
        (spec as { pixel_format?: string }).pixel_format!,
      );
    assertEquals(
      misfit?.expected,
      "a texture's {width, height, pixel_format}, sides from 1 to 32768, at most 1073741824 bytes" +
        (isFormatWrong
          ? ', a format of "bgra8", "rgba8", "rgba16f", "gray8", "gray16", "rgb10a2", "nv12", "i420", "p010"'
          : ""),
    );
  }
  assertEquals(
    textureMisfit("rgba8", GRAY)?.expected,
    `a texture's {width, height, pixel_format}, sides from 1 to 32768, at most 1073741824 bytes, the format "rgba8"`,
  );
});

Deno.test("a buffer's size is its length", () => {
  assertEquals(bufferMisfit("Float32", { length: 0 }), undefined);
  assertEquals(bufferMisfit("Float32", { length: 2 ** 28 }), undefined); // 1 GiB
  assertEquals(bufferMisfit("Float64", { length: 2 ** 27 }), undefined);
  assertEquals(bufferMisfit("Float32", new Float32Array(5)), undefined);
  for (
    const [spec, got] of [
      [{ length: -1 }, "{length: -1}"],
      [{ length: 0.5 }, "{length: 0.5}"],
      [{ length: 2 ** 28 + 1 }, "{length: 268435457}"],
      [{ length: 2 ** 53 }, "{length: 9007199254740992}"],
      [{ length: 4n }, "{length: 4n (expected a number)}"],
      [{}, "{length: undefined}"],
      [null, "null"],
      [5, "5"],
    ] as const
  ) {
    assertEquals(bufferMisfit("Float32", spec)?.got, got);
  }
});
