"""Copies values into the memory of a frame: for `Sender.set`."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Tuple

from ._surfaces import Numbers, Surface, planes_of


def sizes_of(values: Mapping[str, Any]) -> Dict[str, Any]:
    """The template of a frame with these values: of an array its size."""
    return {name: _size_of(value) for name, value in values.items()}


class _Picture:
    """What an array of pixels says of its size."""

    def __init__(self, shape: Tuple[int, ...]) -> None:
        self.height, self.width = int(shape[0]), int(shape[1])
        self.length = 1
        for side in shape:
            self.length *= int(side)

    def __len__(self) -> int:
        return self.length


def _size_of(value: Any) -> Any:
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and len(shape) >= 2:
        return _Picture(shape)
    if isinstance(value, dict):
        return {name: _size_of(item) for name, item in value.items()}
    return value


def copy_memory(source: Mapping[str, Any], target: Mapping[str, Any]) -> None:
    for name, to in target.items():
        _copy_value(source.get(name), to)


def _copy_value(source: Any, to: Any) -> None:
    if isinstance(to, Surface):
        if isinstance(source, Surface) and _is_alike(source, to):
            _copy_rows(source, to)
        else:
            to.pixels[...] = source.pixels if isinstance(source, Surface) else source
    elif isinstance(to, Numbers):
        view = memoryview(source.buffer if isinstance(source, Numbers) else source)
        bytes_of = view.cast("B") if view.contiguous else memoryview(view.tobytes())
        to.buffer.cast("B")[:] = bytes_of
    elif isinstance(to, dict) and isinstance(source, Mapping):
        copy_memory(source, to)
    elif isinstance(to, list) and isinstance(source, (list, tuple)):
        for one, other in zip(source, to):
            _copy_value(one, other)


def _is_alike(one: Surface, other: Surface) -> bool:
    return (one.width, one.height, one.pixel_format) == (other.width, other.height, other.pixel_format)


def _copy_rows(source: Surface, to: Surface) -> None:
    """Copies a picture of the same size and format, without the padding of its rows. It needs no numpy."""
    read, write = source.buffer, to.buffer
    sizes = planes_of(to.width, to.height, to.pixel_format)
    for (samples, rows, sample_bytes), one, other in zip(sizes, source._layout.planes, to._layout.planes):
        size = samples * sample_bytes
        for row in range(rows):
            at, from_ = other.offset + row * other.bytes_per_row, one.offset + row * one.bytes_per_row
            write[at : at + size] = read[from_ : from_ + size]
