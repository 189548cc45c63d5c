"""The client's part of the handshake as a state machine without I/O.

An event goes in, the next phase and effects come out. `proto/states/handshake.ts` has the
same machine, and `tests/conformance/handshake.json` every step of it.

| event in | effects out |
|---|---|
| `begin` | `get_schema` |
| `schema_received` | `get_endpoint` |
| `endpoint_not_ready` | `get_endpoint` |
| `endpoint_received` | `connect` (and say hello) |
| `ping` with `valid` | `pong`, `report_acked`, `load_module` |
| `module_started` | `tell_started` |
| `failed` with `code` and `reason` | `fail` |
| `close` | `close` |
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Tuple

Event = Mapping[str, Any]
Effect = Mapping[str, Any]

#: The progress in each phase, for a client's failure message.
CLIENT_PHASE_TEXT: Mapping[str, str] = {
    "new": "nothing was done yet",
    "getting_schema": "the broker had not given the schema",
    "getting_endpoint": "the host's endpoint was not there",
    "awaiting_ping": "the host had not answered the hello",
    "loading": "the module had not started",
    "running": "frames could flow",
    "ended": "it was over",
}

# The pong goes first: a module may take a minute to load.
_STEPS: Mapping[Tuple[str, str], Tuple[str, Tuple[str, ...]]] = {
    ("new", "begin"): ("getting_schema", ("get_schema",)),
    ("getting_schema", "schema_received"): ("getting_endpoint", ("get_endpoint",)),
    ("getting_endpoint", "endpoint_not_ready"): ("getting_endpoint", ("get_endpoint",)),
    ("getting_endpoint", "endpoint_received"): ("awaiting_ping", ("connect",)),
    ("awaiting_ping", "ping"): ("loading", ("pong", "report_acked", "load_module")),
    ("loading", "module_started"): ("running", ("tell_started",)),
}


def client_step(phase: str, event: Event) -> Tuple[str, List[Effect]]:
    """Return the next phase and what to do now.

    An event that does not fit the phase has no effect.
    """
    type = event["type"]
    if phase == "ended":
        return phase, []
    if type == "failed":
        fail: Dict[str, Any] = {**event, "type": "fail"}
        return "ended", [fail]
    if type == "close":
        return "ended", [{"type": "close"}]
    if phase == "awaiting_ping" and type == "ping" and not event["valid"]:
        reason = "the host's ping was not the bytes 53 4C 50"
        return "ended", [{"type": "fail", "code": "malformed_message", "reason": reason}]
    step = _STEPS.get((phase, type))
    if step is None:
        return phase, []
    following, effects = step
    return following, [{"type": effect} for effect in effects]
