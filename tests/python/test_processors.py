"""Processors, run by `streamlib_bridge.testing`."""

from __future__ import annotations

import unittest
from typing import List

from streamlib_bridge import Context, DataFrame, Input, Output, VideoFrame, continuous, manual, reactive
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


if __name__ == "__main__":
    unittest.main()
