"""Captured traffic, sent again on a new connection: CURVE's keys are made anew for each, so it must get nobody in."""

import contextlib
import socket

from .cluster import Cluster
from .job import SHORT
from .process import Broken
from .registry import Figures, scenario
from .relay import Relay
from .world import World

# What a server says when a client is in. Its name is readable, what follows is encrypted.
READY = b"\x05READY"
# Bytes of the handshake's first two words each way, after which a replay waits for the server's: greeting; HELLO or WELCOME.
GREETING, HELLO, WELCOME = 64, 202, 170
DOOR = 6.0


@scenario("replayed-traffic", quick=True)
def replayed_traffic(world: World) -> Figures:
    """All that an admitted worker has sent is recorded and sent again on new connections, at once and in turn: it gets nobody in."""
    cluster = Cluster(world, SHORT, keyed=True)
    cluster.start_coordinator(expected=2)
    relay = Relay(world, cluster.address, records=True)
    cluster.add_worker(address=relay.address)
    cluster.add_worker()
    cluster.wait_for_step(world.random.randrange(20, 100))
    said, heard = bytes(relay.recordings[0].upwards), bytes(relay.recordings[0].downwards)
    if READY not in heard or len(said) < 10_000:
        raise Broken(f"nothing was recorded: {len(said)} bytes up, READY is {'' if READY in heard else 'not '}there")
    joined = _joined(cluster)
    received = []
    in_turn = [(said[:GREETING], GREETING), (said[GREETING : GREETING + HELLO], WELCOME), (said[GREETING + HELLO :], 0)]
    for pieces in [[(said, 0)], in_turn]:
        world.fault(f"{len(said)} recorded bytes are sent again in {len(pieces)} pieces")
        received.append(_send_again(cluster.address, pieces))
        if READY in received[-1]:
            raise Broken(f"a replay got in: {received[-1][:400]!r}")
    if len(received[1]) < GREETING + WELCOME:
        raise Broken(f"the second replay did not come as far as INITIATE: {received[1]!r}")
    cluster.finish()
    if _joined(cluster) != joined:
        raise Broken(f"somebody joined: {cluster.coordinator.errors}")
    return {"recorded bytes": len(said), "answers, bytes": [len(each) for each in received]}


def _joined(cluster: Cluster) -> int:
    return sum(line.endswith(" joined") for _, line in list(cluster.coordinator.lines))


def _send_again(address: str, pieces: list[tuple[bytes, int]]) -> bytes:
    """Sends each piece and waits for so many bytes of an answer, in the end until the server hangs up; returns what it has said."""
    host, _, port = address.removeprefix("tcp://").rpartition(":")
    received = b""
    connection = socket.create_connection((host, int(port)), timeout=DOOR)
    # One that keeps a mute stranger for longer than its door allows is another test's.
    with connection, contextlib.suppress(ConnectionError, TimeoutError):
        for piece, answer in pieces:
            connection.sendall(piece)
            due = len(received) + answer
            while (len(received) < due or not answer) and (chunk := connection.recv(65536)):
                received += chunk
    return received
