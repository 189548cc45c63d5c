"""Sends the spots that it finds in each picture."""

from typing import Any

import numpy
import onnxruntime

from model import EDGE, spot_model
from ports import SPOTS, VIDEO
from streamlib_bridge import Context, Float32, reactive, setting


@reactive(inputs={"video": VIDEO}, outputs={"spots": SPOTS})
class Detector:
    threshold = setting(
        Float32,
        default=0.5,
        minimum=0.01,
        maximum=1,
        description="How much brighter than its surroundings a spot must be",
    )

    def setup(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # leaves the other cores to others
        self.model: Any = onnxruntime.InferenceSession(
            spot_model(), options, providers=["CPUExecutionProvider"]
        )

    def process(self, ctx: Context) -> None:
        frame = ctx.input.video.get()
        if frame is None:
            return
        with frame:
            gray = frame.pixels.astype("float32") / 255  # a copy: the model's input
            number = frame.frame_number
        score, best = self.model.run(["score", "best"], {"gray": gray[None, None]})
        is_spot = (score == best) & (score >= self.threshold)
        spots = [
            {"x": x + EDGE, "y": y + EDGE, "score": score[0, 0, y, x]}
            for _, _, y, x in numpy.argwhere(is_spot)
        ]
        ctx.output.spots.wait_room()
        ctx.output.spots.set({"spots": spots, "frame_number": number})
