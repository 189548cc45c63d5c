"""Sends each sample back, as a new frame with the same values."""

from streamlib_bridge import Context, reactive


@reactive
def relay(ctx: Context) -> None:
    for frame in ctx.input.samples:
        with frame:
            ctx.output.samples.acquire(frame).send()
