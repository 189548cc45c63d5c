"""Views of the memory of frames with numpy, run by `streamlib_bridge.testing`."""

from __future__ import annotations

import importlib.util
import unittest
from typing import Any, Tuple

from streamlib_bridge import AudioFrame, Context, Frame, Port, VideoFrame, port, reactive
from streamlib_bridge.testing import ProcessorRun, run_processor


def passes_on(ctx: Context) -> None:
    frame = ctx.input.media.get()
    if frame is not None:
        ctx.output.media.send(frame)


@unittest.skipUnless(importlib.util.find_spec("numpy"), "needs numpy")
class Views(unittest.TestCase):
    """Each looks at the memory, without a copy, and keeps to what may be written."""

    def running(self, port: Port) -> ProcessorRun:
        """Return a processor with one port, `media`, whose frames it sends back."""
        ports = {"media": port}
        run = run_processor(reactive(passes_on, inputs=ports, outputs=ports))
        self.addCleanup(run.close)
        return run

    def pictures(self, width: int, pixel_format: str) -> Tuple[Frame, Frame]:
        """Return a picture to fill, whose bytes are 0, and a received one, whose bytes are 7."""
        run = self.running(port(VideoFrame, formats=[pixel_format]))
        sent = run.picture("media", width, 3, pixel_format)
        sent.pixel_buffer.buffer[:] = bytes([7]) * sent.pixel_buffer.size_in_bytes
        sent.send()
        received = run.receive("media")
        assert received is not None
        made = run.picture("media", width, 3, pixel_format)
        made.pixel_buffer.buffer[:] = bytes(made.pixel_buffer.size_in_bytes)
        return made, received

    def test_pixels_have_the_form_of_the_format(self) -> None:
        for pixel_format, kind, shape in (
            ("gray8", "uint8", (3, 5)),
            ("gray16", "uint16", (3, 5)),
            ("rgba8", "uint8", (3, 5, 4)),
            ("bgra8", "uint8", (3, 5, 4)),
            ("rgb10a2", "uint32", (3, 5)),
            ("rgba16f", "float16", (3, 5, 4)),
        ):
            with self.subTest(pixel_format):
                made, received = self.pictures(5, pixel_format)
                self.check_pixels(made, received, kind, shape)

    def check_pixels(self, made: Frame, received: Frame, kind: str, shape: Tuple[int, ...]) -> None:
        surface = made.pixel_buffer
        pixels = made.pixels
        self.assertEqual((pixels.dtype.name, pixels.shape), (kind, shape))
        self.assertEqual(pixels.strides[0], surface.bytes_per_row)
        pixels[2] = 1
        row = bytes(surface.buffer[2 * surface.bytes_per_row :][: pixels[2].nbytes])
        self.assertEqual(row, pixels[2].tobytes())
        self.assertEqual(bytes(surface.buffer[: surface.bytes_per_row]).strip(b"\0"), b"")
        self.assertTrue(pixels.flags.writeable)
        self.check_read_only(received.pixels)

    def test_planes_have_their_own_sizes(self) -> None:
        made, received = self.pictures(4, "nv12")
        luma, chroma = made.pixel_buffer.planes
        self.assertEqual((luma.shape, chroma.shape), ((3, 4), (2, 2, 2)))
        chroma[...] = 9
        self.assertEqual(int(luma.max()), 0)
        self.assertEqual(bytes(made.pixel_buffer.buffer).count(9), chroma.size)
        for plane in received.pixel_buffer.planes:
            self.check_read_only(plane)

    def test_numbers(self) -> None:
        run = self.running(port(AudioFrame))
        made = run.acquire("media", samples=6, channels=1, sample_rate=8000)
        made.samples.array[...] = range(6)
        self.assertEqual(list(made.samples.buffer), [0, 1, 2, 3, 4, 5])
        made.send()
        received = run.receive("media")
        assert received is not None
        self.check_read_only(received.samples.array)

    def test_asarray_and_array(self) -> None:
        import numpy

        made, _ = self.pictures(5, "rgba8")
        self.assertTrue(numpy.shares_memory(numpy.asarray(made.pixel_buffer), made.pixels))
        self.assertFalse(numpy.shares_memory(numpy.array(made.pixel_buffer), made.pixels))

    def test_dlpack(self) -> None:
        import numpy

        made, received = self.pictures(5, "rgba8")
        looked = numpy.from_dlpack(made.pixel_buffer)
        self.assertEqual((looked.shape, looked.strides), (made.pixels.shape, made.pixels.strides))
        made.pixels[1, 2, 3] = 8
        self.assertEqual(int(looked[1, 2, 3]), 8)
        self.assertTrue(numpy.shares_memory(looked, made.pixels))
        major, minor = (int(part) for part in numpy.__version__.split(".")[:2])
        if (major, minor) >= (2, 1):
            self.check_read_only(numpy.from_dlpack(received.pixel_buffer))
        else:
            # This version has no read-only memory there.
            with self.assertRaises(BufferError):
                numpy.from_dlpack(received.pixel_buffer)

    def test_a_tensor_holds_the_memory_after_its_frame(self) -> None:
        import numpy

        made, _ = self.pictures(5, "gray8")
        looked: Any = numpy.from_dlpack(made.pixel_buffer)
        with made:
            made.pixels[...] = 4
        self.assertEqual(set(looked.flat), {4})
        with self.assertRaisesRegex(Exception, "Keep a copy"):
            made.pixels

    def check_read_only(self, view: Any) -> None:
        self.assertFalse(view.flags.writeable)
        with self.assertRaises(ValueError):
            view[...] = 1
        with self.assertRaises(ValueError):
            view.flags.writeable = True
        self.assertNotEqual(view.size, 0)


if __name__ == "__main__":
    unittest.main()
