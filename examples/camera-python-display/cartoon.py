"""Makes a cartoon of each picture: few colors, and a black line at each edge."""

from importlib import import_module
from importlib.util import find_spec
from typing import List

import numpy
from numpy.typing import NDArray

from streamlib_bridge import Input, Output, UInt32, VideoFrame, reactive, setting

cv2 = import_module("cv2") if find_spec("cv2") else None  # makes it smoother
Bytes = NDArray[numpy.uint8]


@reactive
class Cartoon:
    video = Input(VideoFrame, read_behavior="read_next_in_order", formats=["rgba8"])
    drawn = Output(VideoFrame, name="video", read_behavior="read_next_in_order", formats=["rgba8"])
    colors: int = setting(UInt32, default=5, minimum=2, maximum=16, description="of each component")
    edge: int = setting(UInt32, default=60, description="the difference that is a line")

    def setup(self) -> None:
        self.settings_changed([])

    def settings_changed(self, changed: List[str]) -> None:
        steps = numpy.arange(256) * self.colors // 256
        self.table = (steps * 255 // (self.colors - 1)).astype("uint8")

    def process(self) -> None:
        frame = self.video.get()
        if frame is None:
            return
        with frame:
            self.drawn.wait_room()
            out = self.drawn.acquire(frame)
            draw(frame.pixels, out.pixels, self.table, self.edge)
            out.send()


def draw(pixels: Bytes, target: Bytes, table: Bytes, edge: int) -> None:
    """Draws the cartoon of some pixels into others. Both are views of shared memory."""
    if cv2 is not None:
        pixels = cv2.medianBlur(numpy.ascontiguousarray(pixels), 5)
    numpy.take(table, pixels, out=target)
    target[..., 3] = 255
    colors = pixels[..., :3].astype("int16")
    is_edge = numpy.zeros(colors.shape[:2], bool)
    is_edge[1:] |= abs(numpy.diff(colors, axis=0)).sum(2) > edge
    is_edge[:, 1:] |= abs(numpy.diff(colors, axis=1)).sum(2) > edge
    target[is_edge, :3] = 0
