from streamlib_bridge import Input, Output, VideoFrame, reactive

TABLE = bytes(255 - byte for byte in range(256))


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
            pixels = bytes(frame.pixel_buffer.buffer)
            out.pixel_buffer.buffer[:] = pixels.translate(TABLE)
            out.send()
