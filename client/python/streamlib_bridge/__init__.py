"""Processors for StreamLib Bridge in Python.

A processor is a class or a function that is marked with `reactive`, `continuous` or
`manual`, in a file that a host launches::

    from streamlib_bridge import Input, Output, VideoFrame, reactive

    @reactive
    class Invert:
        video = Input(VideoFrame)
        inverted = Output(VideoFrame, name="video")

        def process(self) -> None:
            frame = self.video.get()
            if frame is None:
                return
            with frame:
                out = self.inverted.acquire(frame)
                out.pixels[...] = 255 - frame.pixels
                out.send()
"""

from ._attributes import Call, Input, Output, call, setting
from ._context import Context
from ._errors import BridgeError
from ._frames import AudioFrame, ColorSpace, DataFrame, VideoFrame
from ._generated import PACKAGE_VERSION as __version__
from ._leased_frame import Frame
from ._processor import continuous, manual, reactive
from ._receiver import Receiver
from ._sender import Sender
from ._stats import TransferStats, transfer_stats
from ._surfaces import Numbers, Surface
from ._types import (
    Array,
    Bool,
    Buffer,
    Bytes,
    Clock,
    Count,
    Enum,
    Extended,
    Field,
    FieldType,
    FixedArray,
    Float16,
    Float32,
    Float64,
    Int8,
    Int16,
    Int32,
    Int64,
    Mirror,
    Optional,
    Port,
    Schema,
    SchemaRef,
    String,
    Struct,
    Texture,
    UInt8,
    UInt16,
    UInt32,
    UInt64,
    field,
    port,
    schema,
)

__all__ = [
    "__version__",
    "Array",
    "AudioFrame",
    "Bool",
    "BridgeError",
    "Buffer",
    "Bytes",
    "Call",
    "Clock",
    "ColorSpace",
    "Context",
    "Count",
    "DataFrame",
    "Enum",
    "Extended",
    "Field",
    "FieldType",
    "FixedArray",
    "Float16",
    "Float32",
    "Float64",
    "Frame",
    "Input",
    "Int16",
    "Int32",
    "Int64",
    "Int8",
    "Mirror",
    "Numbers",
    "Optional",
    "Output",
    "Port",
    "Receiver",
    "Schema",
    "SchemaRef",
    "Sender",
    "String",
    "Struct",
    "Surface",
    "Texture",
    "TransferStats",
    "UInt16",
    "UInt32",
    "UInt64",
    "UInt8",
    "VideoFrame",
    "call",
    "continuous",
    "field",
    "manual",
    "port",
    "reactive",
    "schema",
    "setting",
    "transfer_stats",
]
