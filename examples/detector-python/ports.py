"""The ports, as ports.ts declares them for the host."""

from streamlib_bridge import Array, Float32, Struct, UInt32, UInt64, VideoFrame, field, port, schema

VIDEO = port(VideoFrame, read_behavior="read_next_in_order", formats=["gray8"])

Spots = schema(
    name="com.example.Spots",
    version=(1, 0, 0),
    kind="sensor",
    fields={
        "spots": field(
            Array(Struct({"x": UInt32, "y": UInt32, "score": Float32})),
            "The middle of each spot, and how much brighter it is than what is around it",
        ),
        "frame_number": field(UInt64, "The picture in which they were found"),
    },
)

SPOTS = port(Spots, read_behavior="read_next_in_order")
