"""The demo's processor in Python, with numpy. It gives the same results as `demo/filter/edges.ts`,
pixel by pixel: the host computes some of them again, and compares.
"""

from typing import Dict, Iterable, Tuple
from zlib import crc32

from streamlib_bridge import Context, reactive, transfer_stats

from demo_frame import DEMO_PORT
from edge_detector import EdgeDetector
from pixel_words import Samples, words_of
from rgba_pictures import RgbaPictures

pictures = RgbaPictures()
detectors: Dict[Tuple[int, int], EdgeDetector] = {}


@reactive(inputs={"video": DEMO_PORT}, outputs={"video": DEMO_PORT})
def find_edges(ctx: Context) -> None:
    frame = ctx.input.video.get()
    if frame is None:
        return
    with frame:
        ctx.output.video.wait_room()
        source = frame.pixel_buffer
        width, height = source.width, source.height
        rgba = {"width": width, "height": height, "pixel_format": "rgba8"}
        out = ctx.output.video.acquire(
            frame, pixel_buffer=rgba, pixel_format="rgba8", color=None
        )
        size = (width, height)
        if size not in detectors:
            detectors.clear()
            detectors[size] = EdgeDetector(*size)
        target = out.pixel_buffer
        detectors[size].detect(pictures.of(source, frame.color), words_of(target.pixels))
        out.input_checksum = checksum(source.planes)
        out.output_checksum = checksum(target.planes)
        out.client_copied_bytes = transfer_stats().copied_bytes
        out.send()


def checksum(planes: Iterable[Samples]) -> int:
    """The CRC-32 of the rows of some planes, without their padding."""
    result = 0
    for plane in planes:
        for row in plane:
            result = crc32(row, result)
    return result
