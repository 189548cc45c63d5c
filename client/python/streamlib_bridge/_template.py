"""Templates: what an outgoing frame looks like before it has memory.

A template is completed by the marks of its schema, then each texture and buffer
gets memory.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple, Union

from ._codec import Misfit
from ._errors import BridgeError
from ._generated import MAX_MEMORY_BYTES, MAX_OFFERED, PIXEL_FORMATS
from ._leases import Ends, Lease, Look, Use
from ._memory import BufferSpec, MemoryPool, PrivateMemory, SurfaceSpec
from ._native import Native
from ._surfaces import ELEMENT_BYTES, Numbers, Surface, planes_of
from ._types import Field, FieldType, Schema

_MAX_SIDE = 32_768

Values = Dict[str, Any]


class Spec:
    """The size of a texture: what a template gives in place of a surface."""

    __slots__ = ("width", "height", "pixel_format")

    def __init__(self, width: Any = None, height: Any = None, pixel_format: Any = None) -> None:
        self.width = width
        self.height = height
        self.pixel_format = pixel_format


def read(value: Any, name: str) -> Any:
    """A property of a surface, or of what describes one: an attribute or a key."""
    if isinstance(value, Mapping):
        return value.get(name)
    if name == "length" and not hasattr(value, "length"):
        return len(value) if hasattr(value, "__len__") else None
    return getattr(value, name, None)


def as_int(value: Any) -> Optional[int]:
    """An integer, of numpy too; None for anything else."""
    if isinstance(value, (bool, float, str)) or not hasattr(value, "__index__"):
        return None
    return int(value.__index__())


class _Level:
    """What is known of the fields of a frame, or of a struct in it, for all its templates."""

    def __init__(self, fields: Mapping[str, Field]) -> None:
        self.fields = fields
        self.mirrors = _mirrors(fields)
        #: The fields of which a template may have another form; any other value stays as it is.
        self.formed = {name: one.type for name, one in fields.items() if _has_forms(one.type)}
        #: The fields that a template may lack: their marks, or None for an optional one.
        self.supplied: List[Tuple[str, Optional[str]]] = []
        #: The fields that must be there in the end.
        self.required: List[str] = []
        for name, one in fields.items():
            if one.type.mark in ("clock", "count"):
                self.supplied.append((name, one.type.mark))
            elif one.type.kind == "Optional":
                self.supplied.append((name, None))
            if one.type.kind != "Optional":
                self.required.append(name)


def _has_forms(type: Any) -> bool:
    """Whether a template's value of this type is looked into: it may have to be completed."""
    if type.kind == "Optional":
        return _has_forms(type.inner)
    return type.kind in ("Struct", "SchemaRef", "Texture", "Array")


class Completion:
    """What a schema's marks make known."""

    def __init__(self, schema: Schema, now: Callable[[], int]) -> None:
        self._schema = schema
        self._now = now
        #: By the identity of the fields, which the schema keeps. A level is made when it is first used.
        self._levels: Dict[int, _Level] = {}
        self.pixel_format: Optional[str] = None

    def complete(self, template: Mapping[str, Any], count: int) -> Values:
        """A template with what is known without it. Raises `schema_mismatch`."""
        time: List[int] = []

        def now() -> int:
            if not time:
                time.append(self._now())
            return time[0]

        schema = self._schema
        try:
            values = self._level(schema.fields, template, now, count)
        except Misfit as misfit:
            raise _unfit(misfit.of(schema.name).message) from None
        missing = [name for name in self._level_of(schema.fields).required if name not in values]
        if missing:
            raise _unfit(f"{schema.name} needs {', '.join(missing)}, which the template does not have")
        return values

    def _level_of(self, fields: Mapping[str, Field]) -> _Level:
        level = self._levels.get(id(fields))
        if level is None:
            level = self._levels[id(fields)] = _Level(fields)
        return level

    def _level(
        self, fields: Mapping[str, Field], template: Any, now: Callable[[], int], count: int
    ) -> Values:
        level = self._level_of(fields)
        given = dict(template)
        values: Values = {
            name: value for name in fields if (value := given.get(name)) is not None
        }
        if not given.keys() <= fields.keys():
            for name, value in given.items():
                if name not in fields and value is not None:
                    raise Misfit("", "", "no other fields", f'the field "{name}"')
        if level.mirrors:
            self._gather(fields, level.mirrors, values)
        for name, type in level.formed.items():
            if name not in values:
                continue
            try:
                values[name] = self._value(type, values[name], now, count)
            except Misfit as misfit:
                raise misfit.within(name) from None
        for name, source, property in level.mirrors:
            mirrored = read(values[source], property) if source in values else None
            if mirrored is None:
                continue
            if name not in values:
                values[name] = mirrored
            elif values[name] != mirrored:
                raise Misfit(
                    "", name, f"{mirrored!r}, as {source}.{property} is", f"{values[name]!r}"
                )
        for name, mark in level.supplied:
            if name in values:
                continue
            if mark is None:
                values[name] = None  # as in a received frame
            else:
                values[name] = now() if mark == "clock" else count
        return values

    def _gather(
        self, fields: Mapping[str, Field], mirrors: List[Tuple[str, str, str]], values: Values
    ) -> None:
        """Puts what the mirrors give into the size of the texture, where it is not given there."""
        for name, source, property in mirrors:
            if name not in values or fields[source].type.kind != "Texture":
                if name in values and source not in values:
                    values[source] = as_int(values[name])
                continue
            spec = values.get(source)
            if spec is not None and read(spec, property) is not None:
                continue
            made = Spec(read(spec, "width"), read(spec, "height"), read(spec, "pixel_format"))
            setattr(made, property, values[name])
            values[source] = made

    def _value(self, type: FieldType, value: Any, now: Callable[[], int], count: int) -> Any:
        kind = type.kind
        if kind == "Struct":
            return self._level(type.fields, value, now, count)  # type: ignore[attr-defined]
        if kind == "SchemaRef":
            return self._level(type.schema.fields, value, now, count)  # type: ignore[attr-defined]
        if kind == "Optional":
            return self._value(type.inner, value, now, count)  # type: ignore[attr-defined]
        if kind == "Array" and isinstance(value, (list, tuple)):
            return [self._value(type.element, item, now, count) for item in value]  # type: ignore[attr-defined]
        if kind == "Texture":
            known = type.format if type.format != "any" else self.pixel_format  # type: ignore[attr-defined]
            if known is not None and read(value, "pixel_format") is None:
                return Spec(read(value, "width"), read(value, "height"), known)
        return value


def _mirrors(fields: Mapping[str, Field]) -> List[Tuple[str, str, str]]:
    """The fields that mirror a texture or buffer beside them: name, source, property."""
    found = []
    for name, field in fields.items():
        mark = field.type.mark
        if mark is not None and "." in mark:
            source, property = mark.split(".", 1)
            found.append((name, source, property))
    return found


def _unfit(why: str) -> BridgeError:
    return BridgeError("schema_mismatch", f"Cannot acquire a frame like this: {why}")


# ---- memory ----


class _Place:
    """One texture or buffer in a schema. All elements of an array share one place."""

    def __init__(self, pool: MemoryPool) -> None:
        self.pool = pool
        #: The pieces that the newest frame asked for.
        self.asked = 1


#: Makes the value of one place from its template.
_Fill = Callable[[Any, "Filling"], Any]


class Filling:
    """The memory of one frame while it is made."""

    def __init__(self, is_spare: bool) -> None:
        self.is_spare = is_spare
        self.values: List[Union[Surface, Numbers]] = []


class FrameMemory:
    """The memory of the frames of one port."""

    def __init__(self, native: Native, schema: Schema, frames: int, ends: Ends) -> None:
        self._native = native
        self._schema = schema
        self._frames = frames
        self._ends = ends
        self._places: List[_Place] = []
        self._fill = self._level(schema.fields, 1)

    @property
    def pools(self) -> List[MemoryPool]:
        return [place.pool for place in self._places]

    @property
    def has_room(self) -> bool:
        """Whether there is memory for a frame like the last one."""
        return all(place.pool.has_room(min(place.asked, place.pool.bound)) for place in self._places)

    def fill(self, template: Values, filling: Filling) -> Values:
        """The values of a frame. Raises `schema_mismatch`. Without room, `filling` becomes spare."""
        if self._fill is None:
            return template
        for place in self._places:
            place.asked = 0
        try:
            filled: Values = self._fill(template, filling)
            return filled
        except Misfit as misfit:
            raise _unfit(misfit.of(self._schema.name).message) from None

    def _type(self, type: Any, count: int) -> Optional[_Fill]:
        kind = type.kind
        if kind == "Texture":
            return self._place("surface", count, lambda value: _surface_spec(type.format, value), None)
        if kind == "Buffer":
            element: str = type.element_type
            return self._place("shmem", count, lambda value: _buffer_spec(element, value), element)
        if kind == "Struct":
            return self._level(type.fields, count)
        if kind == "SchemaRef":
            return self._level(type.schema.fields, count)
        if kind == "Optional":
            fill = self._type(type.inner, count)
            return fill and (lambda value, filling: None if value is None else fill(value, filling))
        if kind == "Array":
            each = self._type(type.element, count * (type.length or MAX_OFFERED))
            return each and _array_filler(each)
        return None

    def _level(self, fields: Mapping[str, Field], count: int) -> Optional[_Fill]:
        fills = [
            (name, fill)
            for name, field in fields.items()
            for fill in [self._type(field.type, count)]
            if fill is not None
        ]
        if not fills:
            return None

        def run(template: Any, filling: Filling) -> Values:
            if not isinstance(template, Mapping):
                raise Misfit("", "", "a dictionary", repr(template))
            values = dict(template)
            for name, fill in fills:
                try:
                    values[name] = fill(values.get(name), filling)
                except Misfit as misfit:
                    raise misfit.within(name) from None
            return values

        return run

    def _place(
        self,
        kind: str,
        count: int,
        spec_of: Callable[[Any], Tuple[Union[SurfaceSpec, BufferSpec], int]],
        element: Optional[str],
    ) -> _Fill:
        pool = MemoryPool(self._native, kind, min(self._frames * count, MAX_OFFERED))
        place = _Place(pool)
        self._places.append(place)
        what = "textures" if element is None else "buffers"

        def fill(template: Any, filling: Filling) -> Union[Surface, Numbers]:
            spec, length = spec_of(template)
            place.asked += 1
            if place.asked > pool.bound:
                raise Misfit("", "", f"at most {pool.bound} {what} here in one frame", "one more")
            use = None if filling.is_spare else pool.take(spec)
            if use is None:
                filling.is_spare = True
                private = PrivateMemory(spec)
                use = Use(private, private)
            lease = Lease(self._ends, Look(use, False))
            value: Union[Surface, Numbers]
            if element is None:
                value = Surface(use.piece.layout, use, lease, True)
            else:
                value = Numbers(element, length, use, lease, True)
            filling.values.append(value)
            return value

        return fill


def _array_filler(each: _Fill) -> _Fill:
    def run(template: Any, filling: Filling) -> List[Any]:
        if not isinstance(template, (list, tuple)):
            raise Misfit("", "", "a list", repr(template))
        values = []
        for index, item in enumerate(template):
            try:
                values.append(each(item, filling))
            except Misfit as misfit:
                raise misfit.within(f"[{index}]") from None
        return values

    return run


def _surface_spec(format: str, value: Any) -> Tuple[SurfaceSpec, int]:
    width, height = as_int(read(value, "width")), as_int(read(value, "height"))
    name = read(value, "pixel_format")
    size = (
        f"a texture's width, height and pixel_format, sides from 1 to {_MAX_SIDE}, "
        f"at most {MAX_MEMORY_BYTES} bytes"
    )
    is_format = isinstance(name, str) and (name in PIXEL_FORMATS if format == "any" else name == format)
    if not is_format:
        allowed = ", ".join(PIXEL_FORMATS) if format == "any" else format
        size += f"; the format {allowed}" if format != "any" else f"; a format of {allowed}"
    fits = width is not None and height is not None and is_format
    if fits and 1 <= (width or 0) <= _MAX_SIDE and 1 <= (height or 0) <= _MAX_SIDE:
        spec = (width or 0, height or 0, str(name))
        if sum(w * h * sample for w, h, sample in planes_of(*spec)) <= MAX_MEMORY_BYTES:
            return spec, 0
    got = f"width {read(value, 'width')!r}, height {read(value, 'height')!r}, pixel_format {name!r}"
    raise Misfit("", "", size, got)


def _buffer_spec(element: str, value: Any) -> Tuple[BufferSpec, int]:
    """A buffer's template is a length, or something that has one."""
    length = as_int(value)
    if length is None:
        length = as_int(read(value, "length"))
    most = MAX_MEMORY_BYTES // ELEMENT_BYTES[element]
    if length is None or not 0 <= length <= most:
        raise Misfit("", "", f"a buffer's length, an integer from 0 to {most}", repr(value))
    return max(1, length) * ELEMENT_BYTES[element], length
