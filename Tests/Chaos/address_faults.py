"""Where a worker looks for its coordinator, when that is wrong, late, or becomes another place."""

import pathlib
import time

from .cluster import Cluster
from .job import SHORT
from .process import Broken, Process
from .registry import Figures, scenario
from .world import World


def _require_unreachable(worker: Process, took: float, *words: str) -> None:
    missing = [word for word in words if word not in worker.errors]
    if worker.code != 69 or missing:
        raise Broken(f"ended with {worker.code} after {took:.1f} s, without {missing}: {worker.last_words()}")


@scenario("no-such-host", quick=True)
def no_such_host(world: World) -> Figures:
    """A name that does not resolve, and an address where nobody is: the worker says which, after its patience, and ends with 69."""
    took = {}
    for address in ["tcp://no-such-host.invalid:5555", "tcp://127.0.0.1:1"]:
        world.fault(f"a worker of {address}")
        began = time.monotonic()
        arguments = ["worker", "--connect", address, "--patience", "2", "--insecure"]
        worker = world.start(f"worker-{len(took)}", arguments)
        # The resolver has a patience of its own.
        worker.wait(within=30)
        took[address] = round(time.monotonic() - began, 1)
        _require_unreachable(worker, took[address], address)
        if took[address] < 2:
            raise Broken(f"{address}: not even the two seconds that it was given, but {took[address]}")
    return took


@scenario("address-file", quick=True)
def address_file(world: World) -> None:
    """The file with the address comes late, is empty first, is of an earlier coordinator: a worker waits, and started again finds it."""
    cluster = Cluster(world, SHORT)
    place = world.folder / "address"

    def worker(patience: int) -> Process:
        name = f"worker-{len(cluster.workers) + 1}"
        arguments = ["worker", "--connect-file", str(place), "--patience", str(patience), "--name", name]
        cluster.workers.append(world.start(name, arguments))
        return cluster.workers[-1]

    world.fault("the file is of a coordinator that is gone, and changes while a worker waits for that one")
    place.write_text("tcp://127.0.0.1:1\n")
    late = worker(patience=3)
    cluster.expect(late, 69)
    world.sleep(0.5)
    place.unlink()
    world.fault("there is no file")
    early = worker(patience=60)
    world.sleep(0.3)
    place.touch()
    world.sleep(0.3)
    cluster.start_coordinator("--address-file", str(place), expected=2)
    # It reads the file once: what starts it again makes it read it again.
    late.wait(within=20)
    _require_unreachable(late, 3, "tcp://127.0.0.1:1")
    again = worker(patience=60)
    for each in [early, again]:
        cluster.coordinator.wait_for_line(f"{each.name} (pid", within=20)
    cluster.finish()


@scenario("host-moves", needs_root=True)
def host_moves(world: World) -> None:
    """The coordinator's name leads to another address, before the worker has found it and again in the middle: the worker follows."""
    cluster = Cluster(world, SHORT, listen="tcp://127.0.0.2:0")
    hosts = world.folder / "hosts"
    _lead(hosts, "127.0.0.9")
    cluster.start_coordinator()
    port = cluster.address.rpartition(":")[2]
    # A mount namespace of its own, in which that file is the machine's.
    prefix = ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"', str(hosts)]
    cluster.add_worker("--insecure", address=f"tcp://coordinator.test:{port}", prefix=prefix)
    world.sleep(1)
    world.fault("the name leads to the coordinator now")
    _lead(hosts, "127.0.0.2")
    cluster.wait_for_step(world.random.randrange(100, 500))
    cluster.kill_coordinator()
    world.fault("the next coordinator has another address")
    _lead(hosts, "127.0.0.3")
    cluster.listen = f"tcp://127.0.0.3:{port}"
    cluster.restart_coordinator()
    cluster.wait_for_progress(20)
    cluster.finish()


def _lead(hosts: pathlib.Path, address: str) -> None:
    """In place: the file is mounted, and a new one would not be."""
    hosts.write_text(f"127.0.0.1 localhost\n{address} coordinator.test\n")
