"""Strangers at the coordinator's and at a worker's door, beside a cluster that goes on working."""

import pathlib
import signal
import socket
import sys
import threading

from . import zmtp
from .cluster import Cluster
from .job import SHORT
from .process import Broken, Process
from .registry import Figures, scenario
from .strangers import ATTEMPTS, IDLE
from .world import World

TESTS = pathlib.Path(__file__).resolve().parents[1]


def let_in(world: World, address: str, *kinds: str, count: int = 1000, rate: float = 100, elsewhere: bool = False) -> Process:
    """Starts strangers and waits until they are there. `elsewhere`: they leave the machine to the others, as if they had their own."""
    world.fault(f"strangers at {address}: {', '.join(kinds)}")
    seed = world.random.randrange(1_000_000)
    command = [sys.executable, "-m", "Chaos.strangers", address, *kinds]
    command += ["--count", str(count), "--rate", str(rate), "--seed", str(seed), *(["--elsewhere"] if elsewhere else [])]
    name = f"strangers-{len(world.processes)}"
    process = world.start_command(name, command, {"PYTHONPATH": str(TESTS)})
    process.wait_for_line("ready", within=30)
    return process


def send_away(strangers: Process) -> float:
    """Ends them; returns how many times a second they connected."""
    strangers.send(signal.SIGTERM)
    strangers.wait(within=10)
    words = strangers.wait_for_line("connected ", within=1)[1].split()
    return int(words[1]) / float(words[4])


@scenario("garbage", quick=True)
def garbage(world: World) -> Figures:
    """200 senders of garbage a second, of every kind: random bytes, bad greetings, random frames and headers, huge lengths."""
    cluster = Cluster(world, SHORT)
    cluster.start(workers=2)
    cluster.wait_for_step(50)
    strangers = let_in(world, cluster.address, *(kind for kind in ATTEMPTS if kind != "many-frames"), rate=200)
    cluster.finish(clean=False)
    send_away(strangers)
    return {"lines about them": len(cluster.coordinator.lines)}


@scenario("many-frames")
def many_frames(world: World) -> None:
    """Messages of a hundred thousand frames without an end: drained, not kept."""
    cluster = Cluster(world, SHORT)
    cluster.start(workers=2)
    cluster.wait_for_step(50)
    strangers = let_in(world, cluster.address, "many-frames", rate=5)
    cluster.finish(clean=False)
    send_away(strangers)


def _idle(world: World, kind: str) -> None:
    cluster = Cluster(world, SHORT)
    cluster.start_coordinator()
    strangers = let_in(world, cluster.address, kind)
    # Workers that come after them find their place too.
    for _ in range(2):
        cluster.add_worker()
    cluster.finish(clean=False)
    send_away(strangers)


def _register_idle() -> None:
    words = {
        "mute": "say nothing at all",
        "greeted": "greet and never finish the handshake",
        "idle": "finish the handshake, answer pings and never say a word",
        "loris": "drip their greeting byte by byte",
        "loris-frame": "finish the handshake and drip a frame byte by byte",
    }
    for kind in IDLE:

        def run(world: World, kind: str = kind) -> None:
            _idle(world, kind)

        run.__doc__ = f"1,000 connections that {words[kind]}, and workers that come after them."
        scenario(f"thousand-{kind}", quick=kind == "loris")(run)


_register_idle()


@scenario("babbling-coordinator")
def babbling_coordinator(world: World) -> Figures:
    """A worker whose coordinator talks garbage: it neither crashes nor grows, says why, and ends by itself."""
    server = socket.create_server(("127.0.0.1", 0))
    numbers = world.random
    stop = threading.Event()

    def babble(connection: socket.socket) -> None:
        connection.settimeout(0.5)
        try:
            connection.sendall(zmtp.GREETING + zmtp.ready(b"ROUTER"))
            while not stop.is_set():
                maker = numbers.choice([zmtp.random_message] * 8 + [zmtp.huge_frame])
                connection.sendall(maker(numbers))
        except OSError:
            pass
        finally:
            connection.close()

    def serve() -> None:
        while not stop.is_set():
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=babble, args=(connection,), daemon=True).start()

    def end() -> None:
        stop.set()
        server.close()

    threading.Thread(target=serve, daemon=True).start()
    world.finally_do(end)
    world.fault("a coordinator that talks garbage")
    address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
    worker = world.start("worker-1", ["worker", "--connect", address, "--patience", "5"])
    code = worker.wait(within=30)
    if code not in (69, 75, 78):
        raise Broken(f"the worker ended with {code}: {worker.last_words()}")
    if world.peak_bytes.get("worker", 0) > 160 << 20:
        raise Broken(f"the worker grew to {world.peak_bytes['worker'] >> 20} MiB")
    return {"exit status": code, "lines": len(worker.lines)}
