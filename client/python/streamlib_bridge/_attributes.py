"""What a processor's class declares as attributes: ports, settings, calls."""

from __future__ import annotations

from typing import (
    TYPE_CHECKING, Any, Callable, Dict, Literal, Mapping, Optional, Sequence, Union, overload,
)  # fmt: skip

from ._context import Context
from ._errors import BridgeError
from ._types import Field, FieldType, Schema, Setting, field, port
from ._types import setting as declared_setting

if TYPE_CHECKING:
    from ._receiver import Receiver
    from ._sender import Sender

ReadBehavior = Literal["skip_to_latest", "read_next_in_order"]
Handler = Callable[..., Any]
Fields = Mapping[str, Union[FieldType, Field]]

#: The contexts of the processors that run, by the id of the instance. Not an attribute of the
#: instance, whose class may have `__slots__`; not by the instance, which need not be hashable.
_bound: Dict[int, Context] = {}


def bind_attributes(instance: object, context: Context) -> None:
    """From now on the attributes of an instance are those of its context."""
    _bound[id(instance)] = context


def unbind_attributes(instance: object) -> None:
    """The processor has ended. Another object may get its id."""
    _bound.pop(id(instance), None)


class _PortAttribute:
    """A port as an attribute of a processor's class."""

    _side = ""

    def __init__(
        self,
        schema: Schema,
        *,
        name: Optional[str] = None,
        read_behavior: Optional[ReadBehavior] = None,
        capacity: Optional[int] = None,
        required: bool = True,
        description: str = "",
        formats: Optional[Sequence[str]] = None,
    ) -> None:
        if not isinstance(schema, Schema):
            raise BridgeError(
                "bad_argument",
                f"Cannot make a port of {schema!r}: it is not a schema; write {self._side}(VideoFrame)",
            )
        self.port = port(
            schema,
            read_behavior=read_behavior,
            capacity=capacity,
            required=required,
            description=description,
            formats=formats,
        )
        self.name = name or ""

    def __set_name__(self, owner: type, attribute: str) -> None:
        self.name = self.name or attribute

    def _of(self, instance: object) -> Any:
        context = _bound.get(id(instance))
        if context is None:
            raise BridgeError(
                "closed",
                f"Cannot use the port '{self.name}': this processor does not run; "
                "a host runs it, or streamlib_bridge.testing",
            )
        return (context.input if self._side == "Input" else context.output)[self.name]


class Input(_PortAttribute):
    """An input, as an attribute of a processor's class. In its functions it is a `Receiver`.

    `name` is the port's, if it is not the attribute's. The other options are those of
    a port: how frames are read, how many unread ones it keeps, whether the host must
    have it, and the pixel formats that it takes, the preferred one first.
    """

    _side = "Input"

    @overload
    def __get__(self, instance: None, owner: type) -> "Input": ...
    @overload
    def __get__(self, instance: object, owner: type) -> "Receiver": ...
    def __get__(self, instance: Optional[object], owner: type) -> "Union[Input, Receiver]":
        if instance is None:
            return self
        receiver: "Receiver" = self._of(instance)
        return receiver


class Output(_PortAttribute):
    """An output, as an attribute of a processor's class. In its functions it is a `Sender`."""

    _side = "Output"

    @overload
    def __get__(self, instance: None, owner: type) -> "Output": ...
    @overload
    def __get__(self, instance: object, owner: type) -> "Sender": ...
    def __get__(self, instance: Optional[object], owner: type) -> "Union[Output, Sender]":
        if instance is None:
            return self
        sender: "Sender" = self._of(instance)
        return sender


class SettingAttribute:
    """A setting as an attribute of a processor's class: its value now."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.name = ""

    def __set_name__(self, owner: type, attribute: str) -> None:
        self.name = attribute

    def __get__(self, instance: Optional[object], owner: type) -> Any:
        if instance is None:
            return self
        context = _bound.get(id(instance))
        return self.setting.default if context is None else context.settings[self.name]


def setting(
    type: FieldType,
    *,
    default: Any,
    minimum: Any = None,
    maximum: Any = None,
    description: str = "",
) -> Any:
    """A parameter of a processor that its host can change while it runs.

    As an attribute of a class it is the value now: `amount = setting(Float32, default=1.0)`,
    then `self.amount`.
    """
    return SettingAttribute(
        declared_setting(
            type, default=default, minimum=minimum, maximum=maximum, description=description
        )
    )


class Call:
    """Something that the host can ask a processor. Made by `call`."""

    def __init__(self, request: Fields, reply: Fields, answer: Handler) -> None:
        self.request = {name: _field(value) for name, value in request.items()}
        self.reply = {name: _field(value) for name, value in reply.items()}
        self.answer = answer
        self.__doc__ = answer.__doc__

    def __get__(self, instance: Any, owner: Optional[type] = None) -> Any:
        return self if instance is None else self.answer.__get__(instance, owner)


def _field(value: Union[FieldType, Field]) -> Field:
    return value if isinstance(value, Field) else field(value, "")


def call(*, request: Optional[Fields] = None, reply: Optional[Fields] = None) -> Callable[[Handler], Any]:
    """Marks a function that answers a call of the host. It runs between the processor's other functions.

    It gets the fields of the request by name, and the context if it has a parameter
    `ctx`. It returns the fields of the reply as a dictionary, or None if there are none.
    """

    def mark(answer: Handler) -> Any:
        return Call(request or {}, reply or {}, answer)

    return mark
