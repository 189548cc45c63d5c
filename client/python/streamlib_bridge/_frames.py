"""The schemas that are shipped with this library: video, audio, and data of any format."""

from __future__ import annotations

from ._field_types import FieldType, Optional, Schema
from ._generated import SHIPPED_SCHEMAS
from ._schema_json import parse_schemas

_SHIPPED = parse_schemas(SHIPPED_SCHEMAS)

#: One picture of a video. A template needs its size and format only once.
VideoFrame: Schema = _SHIPPED["VideoFrame"]
#: A block of audio samples.
AudioFrame: Schema = _SHIPPED["AudioFrame"]
#: Bytes in a format that the producer and the consumer agree on.
DataFrame: Schema = _SHIPPED["DataFrame"]


def _color_space() -> FieldType:
    color = VideoFrame.fields["color"].type
    assert isinstance(color, Optional)
    return color.inner


#: The color space of a picture, as VideoFrame's `color` has it. Unknown parts are None.
ColorSpace: FieldType = _color_space()
