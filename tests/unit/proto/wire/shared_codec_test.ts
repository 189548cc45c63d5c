import { assertEquals, assertStrictEquals } from "@std/assert";
import { Misfit } from "../../../../proto/wire/misfit.ts";
import {
  bufferCodec,
  textureCodec,
} from "../../../../proto/wire/shared_codec.ts";
import {
  FakeCapabilities,
  surface,
} from "../../../helpers/fake_capabilities.ts";
import { Texture } from "../../../../proto/schema/field_type.ts";
import { TERMS } from "../../../helpers/agreed_terms.ts";

Deno.test("a texture of any format crosses as what the writer makes of it", () => {
  const codec = textureCodec(Texture("any"), TERMS);
  const { writer, reader } = new FakeCapabilities();
  for (const format of ["bgra8", "gray8"] as const) {
    const sent = surface(format);
    assertEquals(codec.check(sent), undefined);
    assertStrictEquals(codec.decode(codec.encode(sent, writer), reader), sent);
  }
});

Deno.test("a texture of one format is of that format, on both sides", () => {
  const codec = textureCodec(Texture("rgba8"), TERMS);
  const { writer, reader } = new FakeCapabilities();
  const good = writer.texture(surface("rgba8"));
  const bad = writer.texture(surface("bgra8"));
  assertEquals(codec.check(surface("rgba8")), undefined);
  const misfit = new Misfit("", "", "a surface of rgba8", "a surface of bgra8");
  assertEquals(codec.check(surface("bgra8")), misfit);
  assertEquals(codec.decode(good, reader) instanceof Misfit, false);
  assertEquals(codec.decode(bad, reader), misfit);
});

Deno.test("what is no surface is a misfit, and what the reader says is passed on", () => {
  const codec = textureCodec(Texture("any"), TERMS);
  const { reader } = new FakeCapabilities();
  const got = (got: string): Misfit => new Misfit("", "", "a surface", got);
  assertEquals(codec.check(null), got("null"));
  assertEquals(codec.check({ width: 1 }), got("an object"));
  assertEquals(codec.check(new Uint8Array(4)), got("a Uint8Array of 4 bytes"));
  assertEquals(codec.decode(undefined, reader), got("nothing"));
  assertEquals(
    codec.decode(null, reader),
    got("no surface of this connection"),
  );
});

Deno.test("a buffer crosses as what the writer makes of it, by its element type", () => {
  const codec = bufferCodec("Float32");
  const { writer, reader } = new FakeCapabilities();
  const samples = new Float32Array(4);
  assertEquals(codec.check(samples), undefined);
  assertStrictEquals(
    codec.decode(codec.encode(samples, writer), reader),
    samples,
  );
  const got = (got: string): Misfit =>
    new Misfit("", "", "a buffer of Float32", got);
  assertEquals(
    codec.check(new Float64Array(4)),
    got("a Float64Array of 32 bytes"),
  );
  assertEquals(codec.check([1, 2]), got("an array of 2"));
  const wrong = writer.buffer(new Float64Array(4));
  assertEquals(
    codec.decode(wrong, reader),
    got("no buffer of this connection"),
  );
  assertEquals(codec.decode(undefined, reader), got("nothing"));
});
