"""Defines processors: what a processor's file marks for its host."""

from __future__ import annotations

import inspect
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Tuple, TypeVar, Union
from typing import overload

from ._attributes import Call, Handler, Input, Output, SettingAttribute
from ._attributes import bind_attributes, unbind_attributes
from ._context import Context
from ._errors import BridgeError
from ._types import Port, Schema, Setting, port

_MARK = "__streamlib_processor__"
#: A class, or a function.
T = TypeVar("T", bound=Callable[..., Any])
Ports = Mapping[str, Union[Schema, Port]]

#: The functions that a processor of each mode must have, and can have.
_MUST = {"reactive": "process", "continuous": "process", "manual": "start"}
_CAN = ("settings_changed", "setup", "pause", "resume", "flush", "teardown")

class _Marked(NamedTuple):
    mode: str
    options: Dict[str, Any]


def _mark(mode: str, target: Any, options: Dict[str, Any]) -> Any:
    def mark(target: T) -> T:
        setattr(target, _MARK, _Marked(mode, {k: v for k, v in options.items() if v is not None}))
        return target

    return mark if target is None else mark(target)


@overload
def reactive(target: T, /, **options: Any) -> T: ...
@overload
def reactive(
    *,
    inputs: Optional[Ports] = None,
    outputs: Optional[Ports] = None,
    settings: Optional[Mapping[str, Setting]] = None,
    calls: Optional[Mapping[str, Any]] = None,
    **functions: Handler,
) -> Callable[[T], T]: ...
def reactive(
    target: Any = None,
    /,
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


@overload
def continuous(target: T, /, **options: Any) -> T: ...
@overload
def continuous(
    *,
    rest: Optional[float] = None,
    inputs: Optional[Ports] = None,
    outputs: Optional[Ports] = None,
    settings: Optional[Mapping[str, Setting]] = None,
    calls: Optional[Mapping[str, Any]] = None,
    **functions: Handler,
) -> Callable[[T], T]: ...
def continuous(
    target: Any = None,
    /,
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


@overload
def manual(target: T, /, **options: Any) -> T: ...
@overload
def manual(
    *,
    inputs: Optional[Ports] = None,
    outputs: Optional[Ports] = None,
    settings: Optional[Mapping[str, Setting]] = None,
    calls: Optional[Mapping[str, Any]] = None,
    **functions: Handler,
) -> Callable[[T], T]: ...
def manual(
    target: Any = None,
    /,
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
            bind_attributes(instance, context)
            try:
                instance.__init__()
            except BaseException:
                unbind_attributes(instance)
                raise
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

    def end(self) -> None:
        """None of its functions is called any more."""
        unbind_attributes(self._instance)

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
