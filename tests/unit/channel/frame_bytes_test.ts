import { assertEquals } from "@std/assert";
import { frameBytes } from "../../../channel/frame_bytes.ts";

Deno.test("what is an array of bytes or numbers counts, wherever it is", () => {
  assertEquals(frameBytes({}), 0);
  assertEquals(
    frameBytes({ a: 1, b: 2n, c: "text", d: null, e: true, f: undefined }),
    0,
  );
  assertEquals(frameBytes({ data: new Uint8Array(7) }), 7);
  assertEquals(
    frameBytes({
      samples: new Float32Array(new ArrayBuffer(400), 0, 10),
      list: [{ deep: new BigInt64Array(2) }, [new Float64Array(3)]],
      names: ["a", "b"],
    }),
    40 + 16 + 24,
  );
});
