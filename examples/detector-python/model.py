"""Makes the model, an ONNX file of 1 KB: a convolution, whose result is high in the
middle of a bright spot, and the highest of its results nearby. A model of yours is a file.
"""

import numpy
from onnx import TensorProto, ValueInfoProto, checker, helper, numpy_helper

RADIUS = 4  # of a spot, in pixels
EDGE = 7  # of a spot and its surroundings: results have as much less at each side


def spot_model() -> bytes:
    """The file. Its input is `gray`, its outputs are `score` and `best`."""
    side = 2 * EDGE + 1
    y, x = numpy.mgrid[-EDGE : EDGE + 1, -EDGE : EDGE + 1]
    radius = numpy.hypot(x, y)
    inside, around = radius <= RADIUS, (radius > RADIUS) & (radius <= EDGE)
    weights = (inside / inside.sum() - around / around.sum()).astype("float32")

    def image(name: str, height: str, width: str) -> ValueInfoProto:
        return helper.make_tensor_value_info(
            name, TensorProto.FLOAT, [1, 1, height, width]
        )

    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["gray", "weights"], ["score"]),
            helper.make_node(
                "MaxPool",
                ["score"],
                ["best"],
                kernel_shape=[side, side],
                pads=[EDGE] * 4,
            ),
        ],
        "spots",
        [image("gray", "h", "w")],
        [image("score", "sh", "sw"), image("best", "sh", "sw")],
        [numpy_helper.from_array(weights[None, None], "weights")],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8
    )
    checker.check_model(model)
    return bytes(model.SerializeToString())
