"""Defines processors: what a processor's file marks for its host."""

from __future__ import annotations

import inspect
import weakref
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional
from typing import Sequence, Tuple, TypeVar, Union, overload

from ._errors import BridgeError
from ._types import Field, FieldType, Port, Schema, Setting, field, port
from ._types import setting as declared_setting

if TYPE_CHECKING:
    from ._receiver import Receiver
    from ._sender import Sender
    from ._settings import Settings

_MARK = "__streamlib_processor__"
T = TypeVar("T")
Handler = Callable[..., Any]
Ports = Mapping[str, Union[Schema, Port]]
Fields = Mapping[str, Union[FieldType, Field]]

#: The functions that a processor of each mode must have, and can have.
_MUST = {"reactive": "process", "continuous": "process", "manual": "start"}
_CAN = ("settings_changed", "setup", "pause", "resume", "flush", "teardown")

#: The ports and settings of the processors that run in this process, by instance.
_bound: "weakref.WeakKeyDictionary[Any, Context]" = weakref.WeakKeyDictionary()


class _PortMap:
    """Ports by name: as attributes, by key, or by a call."""

    def __init__(self, ports: Mapping[str, Any]) -> None:
        self._ports = dict(ports)

    def __getattr__(self, name: str) -> Any:
        ports = object.__getattribute__(self, "_ports")
        if name in ports:
            return ports[name]
        raise AttributeError(f"there is no port {name!r}; there are {', '.join(ports) or 'none'}")

    def __getitem__(self, name: str) -> Any:
        if name in self._ports:
            return self._ports[name]
        raise KeyError(f"there is no port {name!r}; there are {', '.join(self._ports) or 'none'}")

    def __call__(self, name: str) -> Any:
        return self[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._ports)

    def values(self) -> Any:
        return self._ports.values()


class Context:
    """The argument of a processor's functions, for those that take one.

    `input` and `output` have the ports: `ctx.input.video`, `ctx.input["video"]` and
    `ctx.input("video")` are the same. `settings` has the settings as they are now.
    """

    def __init__(
        self,
        inputs: Mapping[str, "Receiver"],
        outputs: Mapping[str, "Sender"],
        settings: "Settings",
        is_ended: Callable[[], bool],
        is_running: Callable[[], bool],
        sleep: Callable[[float], bool],
    ) -> None:
        self.input: Any = _PortMap(inputs)
        self.output: Any = _PortMap(outputs)
        self.settings = settings
        self._is_ended = is_ended
        self._is_running = is_running
        self._sleep = sleep

    @property
    def ended(self) -> bool:
        """Whether the processor must end. It hears what the host has said meanwhile."""
        return self._is_ended()

    @property
    def running(self) -> bool:
        """Whether a manual processor is to go on: neither stopped nor ended.

        Ask it in the loop of `start`. It also handles what the host has said meanwhile:
        pause, resume, settings, calls.
        """
        return self._is_running()

    def sleep(self, seconds: float) -> bool:
        """Waits, as `time.sleep` does, but ends when the processor must stop. Returns `running`."""
        return self._sleep(seconds)


class _PortAttribute:
    """A port as an attribute of a processor's class."""

    _side = ""

    def __init__(
        self,
        schema: Schema,
        *,
        name: Optional[str] = None,
        read_behavior: Optional[str] = None,
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
        context = _bound.get(instance)
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
        context = _bound.get(instance)
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


class _Marked(NamedTuple):
    mode: str
    options: Dict[str, Any]


def _mark(mode: str, target: Optional[T], options: Dict[str, Any]) -> Any:
    def mark(target: T) -> T:
        setattr(target, _MARK, _Marked(mode, {k: v for k, v in options.items() if v is not None}))
        return target

    return mark if target is None else mark(target)


def reactive(
    target: Any = None,
    *,
    inputs: Optional[Ports] = None,
    outputs: Optional[Ports] = None,
    settings: Optional[Mapping[str, Setting]] = None,
    calls: Optional[Mapping[str, Any]] = None,
    **functions: Handler,
) -> Any:
    """Marks a class, or a function, as a processor that processes each frame as it comes.

    A class has `process`, and can have `setup`, `settings_changed`, `pause`, `resume`,
    `flush` and `teardown`, each with or without a parameter for the `Context`, each
    `async` or not. A function is its `process`; `functions` are the others.
    """
    options = {"inputs": inputs, "outputs": outputs, "settings": settings, "calls": calls, **functions}
    return _mark("reactive", target, options)


def continuous(
    target: Any = None,
    *,
    rest: Optional[float] = None,
    inputs: Optional[Ports] = None,
    outputs: Optional[Ports] = None,
    settings: Optional[Mapping[str, Setting]] = None,
    calls: Optional[Mapping[str, Any]] = None,
    **functions: Handler,
) -> Any:
    """Marks a processor that runs in a loop, whether frames come or not.

    `rest` are the seconds to wait after a call in which no frame was read or sent; a
    frame that comes ends the wait. Default: 0.016.
    """
    options = {"inputs": inputs, "outputs": outputs, "settings": settings, "calls": calls, "rest": rest}
    return _mark("continuous", target, {**options, **functions})


def manual(
    target: Any = None,
    *,
    inputs: Optional[Ports] = None,
    outputs: Optional[Ports] = None,
    settings: Optional[Mapping[str, Setting]] = None,
    calls: Optional[Mapping[str, Any]] = None,
    **functions: Handler,
) -> Any:
    """Marks a processor that runs from start to stop: `start`, and `stop`.

    `start` may run until `ctx.running` is false, or return.
    """
    options = {"inputs": inputs, "outputs": outputs, "settings": settings, "calls": calls, **functions}
    return _mark("manual", target, options)


class Definition:
    """What a marked class or function defines."""

    def __init__(self, target: Any) -> None:
        marked: _Marked = getattr(target, _MARK)
        self.mode = marked.mode
        self.name = getattr(target, "__name__", "processor")
        self._target = target
        self._options = options = dict(marked.options)
        self._is_class = isinstance(target, type)
        self.rest: float = options.pop("rest", 0.016)
        attributes = _attributes(target) if self._is_class else {}
        inputs = _given_ports(options.pop("inputs", None), "inputs")
        outputs = _given_ports(options.pop("outputs", None), "outputs")
        for value in attributes.values():
            if isinstance(value, Input):
                inputs = {**(inputs or {}), value.name: value.port}
            elif isinstance(value, Output):
                outputs = {**(outputs or {}), value.name: value.port}
        #: The ports; None, if neither side is given: the host's.
        self.has_ports = inputs is not None or outputs is not None
        self.inputs: Dict[str, Port] = inputs or {}
        self.outputs: Dict[str, Port] = outputs or {}
        self.settings: Dict[str, Setting] = {
            name: value.setting if isinstance(value, SettingAttribute) else value
            for name, value in {
                **options.pop("settings", {}),
                **{name: v for name, v in attributes.items() if isinstance(v, SettingAttribute)},
            }.items()
        }
        self.calls: Dict[str, Call] = {
            **options.pop("calls", {}),
            **{name: v for name, v in attributes.items() if isinstance(v, Call)},
        }
        self._check()

    def _check(self) -> None:
        for name, value in self.calls.items():
            if not isinstance(value, Call):
                raise BridgeError(
                    "bad_argument",
                    f"Cannot use the call {name!r}: it is {value!r}, not a call; "
                    "write @call(reply={'count': UInt32})",
                )
        must = _MUST[self.mode]
        known = (must, "stop", *_CAN)
        for name, value in self._options.items():
            if name not in known or not callable(value):
                raise BridgeError(
                    "bad_argument",
                    f"Cannot use the option {name!r} of a {self.mode} processor: "
                    f"the functions are {', '.join(known)}",
                )
        if self._is_class and not callable(getattr(self._target, must, None)):
            raise BridgeError(
                "bad_argument",
                f"Cannot use the {self.mode} processor {self.name}: it has no function '{must}'",
            )
        if not self._is_class and must in self._options:
            raise BridgeError(
                "bad_argument", f"Cannot use '{must}' twice: the function {self.name} is it"
            )

    @property
    def is_async(self) -> bool:
        """Whether one of the functions is `async`."""
        found = [getattr(self._target, name, None) for name in (_MUST[self.mode], "stop", *_CAN)]
        found = found if self._is_class else [self._target]
        found += [*self._options.values(), *(each.answer for each in self.calls.values())]
        return any(inspect.iscoroutinefunction(each) for each in found)

    def bind(self, context: Context) -> "Processor":
        """Makes the processor, with its ports."""
        instance: Any = None
        if self._is_class:
            instance = self._target.__new__(self._target)
            try:
                _bound[instance] = context
            except TypeError:
                raise BridgeError(
                    "client_failed",
                    f"Cannot use the class {self.name}: its instances can have no weak reference; "
                    "add '__weakref__' to its __slots__",
                ) from None
            instance.__init__()
        return Processor(self, instance, context, self._target, self._options)


class Processor:
    """A processor that runs."""

    def __init__(
        self,
        definition: Definition,
        instance: Any,
        context: Context,
        target: Any,
        options: Dict[str, Handler],
    ) -> None:
        self.definition = definition
        self.context = context
        self._instance = instance
        must = _MUST[definition.mode]
        self._functions: Dict[str, Callable[..., Any]] = {}
        for name in (must, "stop", *_CAN):
            function: Any = options.get(name)
            if instance is not None:
                function = getattr(instance, name, None)
            elif name == must:
                function = target
            if callable(function):
                self._functions[name] = self._with_context(function, name)

    def _with_context(self, function: Handler, name: str) -> Callable[..., Any]:
        """A function that takes no context, if it is not one."""
        own = 1 if name == "settings_changed" else 0
        if _positional(function) > own:
            context = self.context
            return lambda *given: function(context, *given)
        return function

    def has(self, name: str) -> bool:
        return name in self._functions

    def function(self, name: str) -> Optional[Callable[..., Any]]:
        return self._functions.get(name)

    def answer(self, name: str, request: Dict[str, Any]) -> Any:
        """Calls the function of a call."""
        answer = self.definition.calls[name].answer
        parameters = inspect.signature(answer).parameters
        given = dict(request)
        if "ctx" in parameters and "ctx" not in given:
            given["ctx"] = self.context
        return answer(self._instance, **given) if self._instance is not None else answer(**given)


def _positional(function: Handler) -> int:
    """How many arguments a function takes by their position."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return 0
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    count = sum(each.kind in kinds for each in parameters)
    return count + (10 if any(each.kind is inspect.Parameter.VAR_POSITIONAL for each in parameters) else 0)


def _attributes(target: type) -> Dict[str, Any]:
    """The attributes of a class and of those that it extends, in the order of the definition."""
    found: Dict[str, Any] = {}
    for each in reversed(target.__mro__):
        found.update(vars(each))
    return found


def _given_ports(ports: Optional[Ports], what: str) -> Optional[Dict[str, Port]]:
    if ports is None:
        return None
    made: Dict[str, Port] = {}
    for name, value in ports.items():
        if not isinstance(value, (Schema, Port)):
            raise BridgeError(
                "bad_argument",
                f"Cannot use the {what}: '{name}' is {value!r}, neither a schema nor a port; "
                f"write {what}={{'video': VideoFrame}}",
            )
        made[name] = port(value) if isinstance(value, Schema) else value
    return made


def find_processor(namespace: Mapping[str, Any], file: str) -> Definition:
    """The processor that a file marks. Raises `client_failed` if it marks none, or several."""
    found: List[Tuple[str, Any]] = []
    for name, value in namespace.items():
        if _MARK in getattr(value, "__dict__", {}) and all(value is not other for _, other in found):
            found.append((name, value))
    own = [each for each in found if getattr(each[1], "__module__", None) == namespace.get("__name__")]
    chosen = own or found
    if len(chosen) == 1:
        return Definition(chosen[0][1])
    what = "no processor" if not chosen else "several processors: " + ", ".join(n for n, _ in chosen)
    raise BridgeError(
        "client_failed",
        f"The file {file} has {what}; mark one class or function with @reactive, @continuous or "
        "@manual of streamlib_bridge",
    )
