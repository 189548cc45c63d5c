"""A runtime in another language: the control plane of the bridge over gRPC.

grpcio-tools generates the stubs from proto/broker.proto at each start, without code of
this library. Only XPC can carry the endpoint and the channel: the C program beside this
file (peer.c), which this one starts, does that part.

    control_plane.py client  acts as a client; started with the variables that a host sets
    control_plane.py host    acts as a host; prints {connection_id, client_token} when a
                             client can connect
    control_plane.py pair    acts as both, with only the calls and fields of the first version

The last line on stdout is JSON: the counts of the peers, and the answers of the broker.
"""

import argparse
import atexit
import hashlib
import importlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading

import grpc
from grpc_tools import protoc

PROTO = pathlib.Path(__file__).resolve().parents[2] / "proto"
DEADLINE_SECS = 120
RUNTIME = "python-runtime"


def generate_stubs():
    """The modules that the standard tool generates from broker.proto."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["protoc", f"-I{PROTO}", f"--python_out={folder}",
                     f"--grpc_python_out={folder}", str(PROTO / "broker.proto")]
        if protoc.main(arguments) != 0:
            raise SystemExit("protoc failed")
        sys.path.insert(0, folder)
        try:
            return [importlib.import_module(name) for name in ("broker_pb2", "broker_pb2_grpc")]
        finally:
            sys.path.remove(folder)


class Broker:
    """The calls for one connection, as one of its sides."""

    def __init__(self, address):
        self.pb, services = generate_stubs()
        self._channel = grpc.insecure_channel(address)
        self._stub = services.BrokerServiceStub(self._channel)
        self.connection_id = ""

    def call(self, name, token="", **fields):
        """Makes one unary call for the connection."""
        return self._start(name, token, connection_id=self.connection_id, **fields)

    def allocate(self, **fields):
        """Allocates the connection for the other calls."""
        reply = self._start("AllocateConnection", "", **fields)
        require(reply.success, reply)
        self.connection_id = reply.connection_id
        return reply

    def states_until_ready(self, token=""):
        """Returns the derived states from WatchConnection, up to ready."""
        events = self._start("WatchConnection", token, connection_id=self.connection_id)
        states = []
        for event in events:
            require(event.found and event.derived_state != "failed", event)
            if states[-1:] != [event.derived_state]:
                states.append(event.derived_state)
            if event.derived_state == "ready":
                events.cancel()
                return states
        raise SystemExit(f"the watch ended after {states}")

    def _start(self, name, token, **fields):
        request = getattr(self.pb, f"{name}Request")(**fields)
        metadata = [("x-streamlib-token", token)] if token else []
        return getattr(self._stub, name)(request, metadata=metadata, timeout=DEADLINE_SECS)


class Peer:
    """The C program, as one side of the connection."""

    def __init__(self, options, role, broker, schema_hash, token="", client_token="", layout="", acks=False):
        arguments = [options.peer, role] + ([str(options.frames)] if role == "host" else [])
        if options.fault:
            arguments.append(options.fault)
        given = {
            "STREAMLIB_BROKER_XPC_SERVICE": options.service,
            "STREAMLIB_CONNECTION_ID": broker.connection_id,
            "STREAMLIB_CONNECTION_TOKEN": token,
            "PEER_CLIENT_TOKEN": client_token,
            "PEER_SCHEMA_HASH": schema_hash,
            "PEER_LAYOUT": layout,
            "PEER_ACK": "xpc" if acks else "",
        }
        self._process = subprocess.Popen(arguments, env={**os.environ, **given}, text=True,
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        atexit.register(self._process.kill)  # for a failure of this program; otherwise it has ended before

    def expect(self, word):
        """Waits until it prints the word."""
        line = self._process.stdout.readline().strip()
        require(line == word, f"the peer said {line!r}, not {word!r}")

    def result(self):
        """Returns its counts when it is done."""
        return json.loads(self._process.stdout.readline())

    def end(self):
        """Ends it and returns its exit code."""
        self._process.stdin.close()
        return self._process.wait(DEADLINE_SECS)


def require(condition, what):
    if not condition:
        raise SystemExit(f"control_plane.py: unexpected: {what}")


def say(value):
    print(json.dumps(value), flush=True)


def canonical(value):
    """Python's own form is RFC 8785's for plain ASCII and integers."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def hash_of(schema_json):
    """SHA-256 over the canonical JSON."""
    return hashlib.sha256(canonical(json.loads(schema_json)).encode()).hexdigest()


def layout_of(schema_json):
    """The layout of the frames of the only input in a lane. They refer to no other schema."""
    def type_of(declared):
        if isinstance(declared, str):
            return declared
        (kind, parameter), = declared.items()
        require(kind in ("Enum", "Texture"), declared)
        return [kind, *parameter] if kind == "Enum" else [kind, parameter["format"]]

    port, = json.loads(schema_json)["inputs"]
    fields = sorted([field["name"], type_of(field["type"])] for field in port["schema"]["fields"])
    return hashlib.sha256(canonical([fields, []]).encode()).hexdigest()


def info_of(broker, token=""):
    reply = broker.call("GetConnectionInfo", token)
    return {"host": reply.host_state, "client": reply.client_state, "derived": reply.derived_state,
            "connected": reply.client_connected, "stored": reply.host_xpc_endpoint_stored,
            "reason": reply.failure_reason}


def acked_too_early(broker, side, token=""):
    """A MarkAcked that the state forbids gets a reply with the reason, not a gRPC error."""
    reply = broker.call("MarkAcked", token, side=side)
    require(not reply.success, reply)
    return reply.error


def mark_acked(broker, side, token=""):
    reply = broker.call("MarkAcked", token, side=side)
    require(reply.success, reply)


def play_client(options, broker):
    broker.connection_id = os.environ["STREAMLIB_CONNECTION_ID"]
    token = os.environ.get("STREAMLIB_CONNECTION_TOKEN", "")
    alive = broker.call("ClientAlive", token)
    require(alive.success, alive)
    schema = broker.call("GetConnectionSchema", token)
    require(schema.found, schema)
    peer = Peer(options, "client", broker, hash_of(schema.schema_json), token,
                layout=layout_of(schema.schema_json), acks=options.ack == "xpc")
    peer.expect("pong")
    if options.ack == "grpc":
        mark_acked(broker, "client", token)
    states = broker.states_until_ready(token)
    say({"states": states, "info": info_of(broker, token)})
    counted = peer.result()
    say({"client": counted, "codes": [peer.end()]})


def play_host(options, broker):
    schema_json = sys.stdin.readline().strip()
    reply = broker.allocate(runtime_id=RUNTIME, processor_id="invert", processor_type="foreign",
                            timeout_secs=DEADLINE_SECS, schema_json=schema_json, want_tokens=options.tokens)
    token, client_token = reply.host_token, reply.client_token
    alive = broker.call("HostAlive", token)
    require(alive.success and alive.client_state == "pending", alive)
    early = broker.call("HostXpcReady", token)
    require(not early.success, early)
    peer = Peer(options, "host", broker, hash_of(schema_json), token, client_token, acks=options.ack == "xpc")
    peer.expect("stored")
    ready = broker.call("HostXpcReady", token)
    require(ready.success, ready)
    say({"connection_id": broker.connection_id, "client_token": client_token})
    peer.expect("pong")
    if options.ack == "grpc":
        mark_acked(broker, "host", token)
    states = broker.states_until_ready(token)
    info = info_of(broker, token)
    counted = peer.result()
    closed = broker.call("CloseConnection", token, reason="all frames are back")
    require(closed.success, closed)
    say({"early": early.error, "states": states, "info": info, "closed": info_of(broker, token),
         "host": counted, "codes": [peer.end()]})


def play_pair(options, broker):
    """Only fields 1 and 2: no tokens and no schema; both sides know the frames."""
    reply = broker.allocate(runtime_id=RUNTIME, processor_id="pair")
    require(reply.host_token == "" and reply.client_token == "", reply)
    watched = []
    watch = threading.Thread(target=lambda: watched.extend(broker.states_until_ready()), daemon=True)
    watch.start()
    require(broker.call("HostAlive").success, "HostAlive")
    require(broker.call("ClientAlive").host_state == "alive", "ClientAlive")
    early = acked_too_early(broker, "host")
    schema_hash = hashlib.sha256(b"").hexdigest()
    host = Peer(options, "host", broker, schema_hash)
    host.expect("stored")
    require(broker.call("GetHostStatus").host_state == "xpc_ready", "GetHostStatus")
    client = Peer(options, "client", broker, schema_hash)
    for side, peer in (("client", client), ("host", host)):
        peer.expect("pong")
        mark_acked(broker, side)
    require(broker.call("GetClientStatus").client_state == "acked", "GetClientStatus")
    watch.join(DEADLINE_SECS)
    info = info_of(broker)
    counted = host.result()
    require(broker.call("CloseConnection", reason="done").success, "CloseConnection")
    closed = info_of(broker)
    host_code = host.end()
    say({"early": early, "states": watched, "info": info, "closed": closed, "host": counted,
         "client": client.result(), "codes": [host_code, client.end()]})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("part", choices=["client", "host", "pair"])
    parser.add_argument("--address", required=True, help="the broker's gRPC address, unix:/path")
    parser.add_argument("--service", required=True, help="the broker's XPC service name")
    parser.add_argument("--peer", required=True, help="the C program")
    parser.add_argument("--frames", type=int, default=12, help="how many a host sends")
    parser.add_argument("--tokens", action="store_true", help="allocate with tokens")
    parser.add_argument("--ack", choices=["grpc", "xpc"], default="grpc", help="what carries the ACK")
    parser.add_argument("--fault", default="", help="how the C program fails")
    options = parser.parse_args()
    parts = {"client": play_client, "host": play_host, "pair": play_pair}
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    parts[options.part](options, Broker(options.address))


if __name__ == "__main__":
    main()
