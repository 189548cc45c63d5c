"""Processors, run by `streamlib_bridge.testing`."""

from __future__ import annotations

import unittest
from typing import List, Tuple

from streamlib_bridge import Context, DataFrame, Input, Output, VideoFrame, continuous, manual, reactive
from streamlib_bridge._attributes import _bound
from streamlib_bridge.testing import run_processor

FUNCTIONS = "setup process pause resume flush teardown"


class Life(unittest.TestCase):
    """Which functions of a processor are called."""

    def test_each_function_is_called_with_and_without_async(self) -> None:
        calls: List[str] = []

        def noting(name: str):  # type: ignore[no-untyped-def]
            def note(ctx: Context) -> None:
                calls.append(name)
                for port in ctx.input.values():
                    port.get()

            return note

        def noting_async(name: str):  # type: ignore[no-untyped-def]
            async def note(ctx: Context) -> None:
                noting(name)(ctx)

            return note

        for make in (noting, noting_async):
            calls.clear()
            functions = {name: make(name) for name in FUNCTIONS.split() if name != "process"}
            process = reactive(make("process"), inputs={"words": DataFrame}, **functions)
            with run_processor(process) as run:
                run.pause()
                run.resume()
                run.send("words", data=b"", schema_name="one")
                run.end()
            self.assertEqual(calls, "setup pause resume process flush teardown".split())

    def test_a_processor_of_each_mode_is_torn_down(self) -> None:
        torn: List[str] = []

        class Ends:
            words = Input(DataFrame)
            ticks = Output(DataFrame)

            def process(self) -> None:
                self.words.get()

            def start(self, ctx: Context) -> None:
                pass

            def teardown(self) -> None:
                torn.append(type(self).__name__)

        for mode in (reactive, continuous, manual):
            with run_processor(mode(type(mode.__name__, (Ends,), {}))):
                pass
        self.assertEqual(torn, ["reactive", "continuous", "manual"])

    def test_nothing_is_kept_of_a_processor_that_has_ended(self) -> None:
        class Fails:
            words = Input(DataFrame)

            def __init__(self) -> None:
                self.words.get()
                if fails == "__init__":
                    raise ValueError(fails)

            def process(self) -> None:
                raise ValueError(fails)

            def teardown(self) -> None:
                if fails == "teardown":
                    raise ValueError(fails)

        fails = ""
        with run_processor(reactive(Fails)):
            self.assertEqual(len(_bound), 1)
        for fails in ("__init__", "process", "teardown"):
            with self.assertRaisesRegex(ValueError, fails):
                with run_processor(reactive(Fails)) as run:
                    if fails == "process":
                        run.send("words", data=b"", schema_name="one")
            self.assertEqual(_bound, {})

    def test_a_start_that_sleeps_is_stopped(self) -> None:
        turns: List[int] = []

        def start(ctx: Context) -> None:
            while ctx.sleep(0.25):
                turns.append(1)

        with run_processor(manual(start, inputs={"words": DataFrame})) as run:
            run.start(seconds=1)
        self.assertEqual(len(turns), 3)

    def test_an_error_is_raised_once(self) -> None:
        def process(ctx: Context) -> None:
            raise ValueError("it is 3")

        with run_processor(reactive(process, inputs={"words": DataFrame})) as run:
            with self.assertRaisesRegex(ValueError, "it is 3"):
                run.send("words", data=b"", schema_name="one")

    def test_views_that_a_long_function_leaves_do_not_add_up(self) -> None:
        counts: List[int] = []

        def start(ctx: Context) -> None:
            for _ in range(300):
                frame = ctx.output.video.acquire(width=4, height=4, pixel_format="gray8")
                with frame:
                    view = frame.pixel_buffer.buffer
                counts.append(len(ctx.output.video._channel.left_views))
            del view

        run = run_processor(manual(start, outputs={"video": VideoFrame}))
        with run:
            run.start()
        self.assertLess(max(counts), 100)


class Style(unittest.TestCase):
    """Classes whose ports are given to the decorator, and whose functions take the context."""

    def test_a_class_with_functions_of_the_context(self) -> None:
        @reactive(inputs={"video": VideoFrame}, outputs={"video": VideoFrame, "words": DataFrame})
        class Numbers:
            def setup(self, ctx: Context) -> None:
                self.count = 0
                self.ports = [*ctx.input, *ctx.output]

            def process(self, ctx: Context) -> None:
                frame = ctx.input("video").get()
                if frame is None:
                    return
                self.count += 1
                ctx.output("video").set({**frame, "frame_number": self.count})
                ctx.output("words").set({"data": b"1", "schema_name": "count", "timestamp_ns": 0})

            def teardown(self, ctx: Context) -> None:
                ended.append((self.count, self.ports))

        @reactive(inputs={"video": VideoFrame}, outputs={"video": VideoFrame, "words": DataFrame})
        class AsyncNumbers:
            async def setup(self, ctx: Context) -> None:
                Numbers.setup(self, ctx)  # type: ignore[arg-type]

            async def process(self, ctx: Context) -> None:
                Numbers.process(self, ctx)  # type: ignore[arg-type]

            async def teardown(self, ctx: Context) -> None:
                Numbers.teardown(self, ctx)  # type: ignore[arg-type]

        for processor in (Numbers, AsyncNumbers):
            ended: List[Tuple[int, List[str]]] = []
            with run_processor(processor) as run:
                for number in (1, 2):
                    frame = run.picture("video", 2, 2, "gray8")
                    frame.pixel_buffer.buffer[0] = 7 * number
                    frame.send()
                    result = run.receive("video")
                    assert result is not None
                    self.assertEqual(
                        (result.frame_number, result.pixel_buffer.buffer[0]), (number, 7 * number)
                    )
                    words = run.receive("words")
                    assert words is not None
                    self.assertEqual(words["schema_name"], "count")
            self.assertEqual(ended, [(2, ["video", "video", "words"])])


if __name__ == "__main__":
    unittest.main()
