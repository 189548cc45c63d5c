"""Takes pictures without reading their pixels, and answers the last one of a round."""

from streamlib_bridge import Context, reactive

LAST_PICTURE_NS = 1
NUMBERS = ("turn_x", "turn_y", "turn_z", "pull_x", "pull_y", "pull_z")


@reactive
def sink(ctx: Context) -> None:
    for frame in ctx.input.video:
        with frame:
            if frame.timestamp_ns == LAST_PICTURE_NS:
                done = {"number": frame.frame_number, "is_last": 0, "sent_us": 0}
                ctx.output.done.acquire({**done, **dict.fromkeys(NUMBERS, 0)}).send()
