"""The codec of the fields of one level: of a frame, or of a struct in it.

In a lane the fields are sorted by the code units of their names, each at the next multiple of
its alignment. Neighbours of fixed size are a block, which is one call of the `struct` module.
The functions for lanes are generated for each schema: see `Code`.
"""

from __future__ import annotations

from collections.abc import Mapping as AbstractMapping
from struct import Struct
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Union, cast

from . import _field_types as types
from ._canonical import code_units
from ._container_codecs import OptionalCodec, refused_flag
from ._misfit import MISSING, Misfit, extra_misfit, value_misfit, xpc_misfit
from ._schema_check import mirror_target
from ._text import show
from ._type_codec import (
    Code,
    Fits,
    Fixed,
    MemoryFinder,
    MemoryNamer,
    PayloadReader,
    Read,
    TypeCodec,
    Write,
    refused_number,
)


class Member(NamedTuple):
    """A field of a level."""

    name: str
    codec: TypeCodec


class _BlockField(NamedTuple):
    name: str
    fixed: Fixed
    #: The place in the block, in bytes.
    offset: int


class _Block:
    """Fields of fixed size, one behind the other."""

    def __init__(self, alignment: int) -> None:
        #: The alignment of its first field. No other one has a larger one.
        self.alignment = alignment
        self.fields: List[_BlockField] = []
        #: Its size, with the padding between its fields.
        self.bytes = 0

    def add(self, name: str, fixed: Fixed) -> None:
        offset = self.bytes + (-self.bytes & (fixed.bytes - 1))
        self.fields.append(_BlockField(name, fixed, offset))
        self.bytes = offset + fixed.bytes

    def struct(self) -> Struct:
        """Return what packs and unpacks it; `x` is a byte of padding, written as 0."""
        text, at = "<", 0
        for _, fixed, offset in self.fields:
            text += "x" * (offset - at) + fixed.code
            at = offset + fixed.bytes
        return Struct(text + "x" * (self.bytes - at))


_Part = Union[_Block, Member]


def _lay_out(members: Sequence[Member]) -> List[_Part]:
    """Return the parts of a level. One without fields is one byte, so that all takes some."""
    if not members:
        empty = _Block(1)
        empty.bytes = 1
        return [empty]
    parts: List[_Part] = []
    block: Optional[_Block] = None
    for member in sorted(members, key=lambda one: code_units(one.name)):
        fixed = member.codec.fixed
        if fixed is None:
            parts.append(member)
            block = None
            continue
        if block is None or fixed.bytes > block.alignment:
            block = _Block(fixed.bytes)
            parts.append(block)
        block.add(member.name, fixed)
    return parts


class _Mirror(NamedTuple):
    """A field that mirrors a property of a texture or buffer beside it."""

    name: str
    source: str
    property: str

    def code(self, source: str) -> str:
        """Return the code of the property of `source`."""
        return f"len({source})" if self.property == "length" else f"{source}.{self.property}"

    def check(self, values: Mapping[str, Any]) -> None:
        """Raise a misfit if the field differs from what it mirrors."""
        source, found = values[self.source], values[self.name]
        is_length = self.property == "length"
        expected = len(source) if is_length else getattr(source, self.property, None)
        if found != expected:
            what = f"{show(expected)}, which is the {self.property} of '{self.source}'"
            raise value_misfit(what, found).within(self.name)


def _mirrors_in(fields: Mapping[str, types.Field]) -> List[_Mirror]:
    made = []
    for name, one in fields.items():
        target = None if one.type.mark is None else mirror_target(one.type.mark)
        if target is not None:
            made.append(_Mirror(name, target.source, target.property))
    return made


class LevelCodec(TypeCodec):
    """Fields by name. As in both forms, an unknown field is a misfit, and so is a field that
    contradicts what it mirrors. What a later minor version has added than both sides have is
    not sent, and received as None.
    """

    def __init__(
        self, fields: Mapping[str, types.Field], members: Sequence[Member], minor: int
    ) -> None:
        self._members = members
        self._names = frozenset(fields)
        later = {name for name, one in fields.items() if (one.since or 0) > minor}
        self._later = later
        self._sent = [member for member in members if member.name not in later]
        self._parts = _lay_out(self._sent)
        self._mirrors = _mirrors_in(fields)
        self.least = sum(
            part.bytes if isinstance(part, _Block) else part.codec.least for part in self._parts
        )
        self._fits: Optional[Fits] = None
        self._write: Optional[Write] = None
        self._read: Optional[Read] = None

    # ---- checking ----

    def check(self, value: Any) -> None:
        if not isinstance(value, AbstractMapping) and not (
            hasattr(value, "keys") and hasattr(value, "get")
        ):
            raise value_misfit("a mapping of fields", value)
        keys = set(value.keys())
        for name, codec in self._members:
            try:
                codec.check(value[name] if name in keys else MISSING)
            except Misfit as why:
                raise why.within(name) from None
        for key in value.keys():
            if key not in self._names:
                raise extra_misfit(key)
        for mirror in self._mirrors:
            mirror.check(value)

    def fitting(self) -> Fits:
        if self._fits is None:
            self._fits = self._make_fits()
        return self._fits

    def _make_fits(self) -> Fits:
        code = Code()
        required = [one for one in self._members if not isinstance(one.codec, OptionalCodec)]
        # A list has a length, too.
        code.add("if type(values) is not dict and not hasattr(values, 'keys'): return False")
        code.add("try:", f"    extra = len(values) - {len(required)}")
        local: Dict[str, str] = {}
        for name, codec in self._members:
            value = local[name] = f"v{len(local)}"
            if isinstance(codec, OptionalCodec):
                test = _test(code, codec.inner, value)
                code.add(
                    f"    if {name!r} in values:",
                    "        extra -= 1",
                    f"        {value} = values[{name!r}]",
                    f"        if {value} is not None and not ({test}): return False",
                )
                continue
            code.add(f"    {value} = values[{name!r}]")
            code.add(f"    if not ({_test(code, codec, value)}): return False")
        code.add("    if extra: return False")
        for mirror in self._mirrors:
            of = mirror.code(local[mirror.source])
            code.add(f"    if {local[mirror.name]} != {of}: return False")
        code.add("except (KeyError, TypeError, AttributeError): return False", "return True")
        return cast(Fits, code.make("fits", "values"))

    # ---- in a dictionary ----

    def encode(self, value: Any, namer: MemoryNamer) -> Any:
        made: Dict[str, Any] = {}
        for name, codec in self._sent:
            is_optional = isinstance(codec, OptionalCodec)
            made[name] = codec.encode(value.get(name) if is_optional else value[name], namer)
        return made

    def decode(self, value: Any, finder: MemoryFinder) -> Any:
        if type(value) is not dict:
            raise xpc_misfit("a dictionary", value)
        values: Dict[str, Any] = {}
        later = self._later
        for name, codec in self._members:
            if name in later:
                values[name] = None
                continue
            try:
                values[name] = codec.decode(value.get(name, MISSING), finder)
            except Misfit as why:
                raise why.within(name) from None
        for name in value:
            if name in later or name not in self._names:
                raise extra_misfit(name)
        for mirror in self._mirrors:
            mirror.check(values)
        return values

    # ---- in a lane ----

    def writing(self) -> Write:
        if self._write is None:
            self._write = self._make_write()
        return self._write

    def only_block(self) -> bool:
        """Tell whether the level is one block, with fields."""
        first = self._parts[0]
        return len(self._parts) == 1 and isinstance(first, _Block) and bool(first.fields)

    def packing(self) -> Any:
        """Return the function that returns the bytes of values, for a level of one block."""
        block = self._parts[0]
        assert isinstance(block, _Block)
        code = Code()
        code.add(f"return {_packed(code, block)}")
        return code.make("write", "values")

    def _make_write(self) -> Write:
        code = Code()
        for part in self._parts:
            if isinstance(part, _Block):
                if part.alignment > 1:
                    code.add(
                        f"at = -len(out) & {part.alignment - 1}",
                        "if at: out += bytes(at)",
                    )
                code.add(f"out += {_packed(code, part)}")
                continue
            name, codec = part
            if isinstance(codec, OptionalCodec):
                code.add(
                    f"v = values.get({name!r})",
                    "if v is None: out.append(0)",
                    "else:",
                    "    out.append(1)",
                    f"    {code.constant(codec.inner.writing())}(v, out, namer)",
                )
            else:
                code.add(f"{code.constant(codec.writing())}(values[{name!r}], out, namer)")
        return cast(Write, code.make("write", "values, out, namer"))

    def reading(self) -> Read:
        if self._read is None:
            self._read = self._make_read()
        return self._read

    def _make_read(self) -> Read:
        code = Code()
        values: Dict[str, str] = {name: "None" for name in self._later}
        code.add("data = reader.data", "end = reader.end", "at = reader.at", "misfit = None")
        for part in self._parts:
            if isinstance(part, _Block):
                self._read_block(code, part, values)
            else:
                self._read_member(code, part, values)
        code.add("reader.at = at", "if misfit is not None: raise misfit")
        items = ", ".join(f"{name!r}: {values[name]}" for name, _ in self._members)
        if not self._mirrors:
            code.add(f"return {{{items}}}")
        else:
            code.add(f"values = {{{items}}}")
            for mirror in self._mirrors:
                of = mirror.code(values[mirror.source])
                check = code.constant(mirror.check)
                code.add(f"if {values[mirror.name]} != {of}: {check}(values)")
            code.add("return values")
        return cast(Read, code.make("read", "reader"))

    def _read_block(self, code: Code, block: _Block, values: Dict[str, str]) -> None:
        if block.alignment > 1:
            code.add(f"at += -at & {block.alignment - 1}")
        short = code.constant(_short_block)
        code.add(
            f"if at + {block.bytes} > end:",
            f"    raise {short}(reader, {code.constant(block)}, at, misfit)",
        )
        numbers = []
        checks = []
        for name, fixed, _ in block.fields:
            number = f"v{len(values)}"
            numbers.append(number)
            values[name] = fixed.value.format(v=number, k=code.constant(fixed.values))
            if fixed.limit is not None:
                refused = f"{code.constant(refused_number)}({code.constant(fixed.limit)}, {number})"
                checks.append(
                    f"if {number} >= {fixed.limit.below}: "
                    f"misfit = misfit or {refused}.within({name!r})"
                )
        if numbers:
            unpack = code.constant(block.struct().unpack_from)
            code.add(f"{', '.join(numbers)}, = {unpack}(data, at)", *checks)
        code.add(f"at += {block.bytes}")

    def _read_member(self, code: Code, member: Member, values: Dict[str, str]) -> None:
        name, codec = member
        value = values[name] = f"v{len(values)}"
        inner = codec.inner if isinstance(codec, OptionalCodec) else codec
        read = code.constant(inner.reading())
        misfit = code.constant(Misfit)
        call = [
            "reader.at = at",
            f"try: {value} = {read}(reader)",
            f"except {misfit} as why: misfit = misfit or why.within({name!r})",
            "at = reader.at",
        ]
        if inner is codec:
            code.add(*call)
            return
        refused = code.constant(refused_flag)
        code.add(
            f"{value} = None",
            "if at >= end:",
            f"    why = reader.short(1).within({name!r})",
            "    raise misfit or why",
            f"{value} = data[at]",
            "at += 1",
            f"if {value} == 1:",
            *(f"    {line}" for line in call),
            f"elif {value} == 0: {value} = None",
            "else:",
            f"    why = {refused}(reader, {value}).within({name!r})",
            "    raise misfit or why",
        )


def _test(code: Code, codec: TypeCodec, value: str) -> str:
    """Return the code that is true if a value certainly fits."""
    if codec.fixed is None:
        return f"{code.constant(codec.fitting())}({value})"
    return codec.fixed.fits.format(v=value, k=code.constant(codec.fixed.numbers))


def _packed(code: Code, block: _Block) -> str:
    """Return the code of a block's bytes."""
    if not block.fields:
        return repr(bytes(block.bytes))
    numbers = [
        fixed.number.format(v=f"values[{name!r}]", k=code.constant(fixed.numbers))
        for name, fixed, _ in block.fields
    ]
    return f"{code.constant(block.struct().pack)}({', '.join(numbers)})"


def _short_block(reader: PayloadReader, block: _Block, at: int, misfit: Optional[Misfit]) -> Misfit:
    """Return the misfit of a block at `at` that ends beyond the end of the payload.

    It is that of its first field beyond the end.
    """
    for name, fixed, offset in block.fields:
        if at + offset + fixed.bytes > reader.end:
            short = reader.short(fixed.bytes).within(name)
            break
    else:
        short = reader.short(block.bytes)
    return misfit or short
