"""The demo's own schema, as in `demo/demo_frame.ts`: a video frame with checksums."""

from streamlib_bridge import UInt32, UInt64, VideoFrame, field, port, schema

DemoFrame = schema(
    name="com.tatolab.streamlib.DemoFrame",
    version=(1, 1, 0),  # with what VideoFrame 1.1 has added
    fields={
        **VideoFrame.fields,
        "input_checksum": field(
            UInt32, "CRC-32 of the pixels that went in: the host's, then what the client saw"
        ),
        "output_checksum": field(
            UInt32, "CRC-32 of the pixels that the client wrote; 0 on the way in"
        ),
        "client_copied_bytes": field(
            UInt64,
            "Payload bytes that the client's process has copied so far; 0 on the way in",
        ),
    },
)

#: The demo's port, for input and output. No frame is skipped.
DEMO_PORT = port(DemoFrame, read_behavior="read_next_in_order", capacity=4)
