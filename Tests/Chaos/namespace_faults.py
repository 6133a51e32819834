"""Coordinator and workers on hosts of their own (network namespaces): cables pulled, packets dropped, narrow links. Needs root."""

import time
from collections.abc import Callable

from .cluster import Cluster
from .job import LONG, SHORT, Job
from .namespaces import Network
from .process import Broken
from .registry import Figures, scenario
from .world import World

PORT = 5555
FEW = Job(batch=64, steps=200)


def _cluster(world: World, job: Job, workers: int = 2) -> tuple[Cluster, Network]:
    """The coordinator on host 1, a worker on each of the next."""
    network = Network(world, workers + 1)
    cluster = Cluster(world, job, prefix=network.inside(1))
    address = f"tcp://{network.address(1)}:{PORT}"
    cluster.listen = address
    cluster.start_coordinator("--insecure", expected=workers)
    for host in range(2, workers + 2):
        cluster.add_worker("--insecure", address=address, prefix=network.inside(host))
    return cluster, network


def _until_back(cluster: Cluster, worker: str, since: float) -> float:
    """Seconds until the coordinator has heard of the worker again, if it had lost it."""
    if not cluster.coordinator.find(f"lost {worker}"):
        return 0.0
    at, _ = cluster.coordinator.wait_for_line(f"{worker} ", within=20, after=since)
    return at - since


@scenario("host-link-down", needs_root=True, limit=300)
def host_link_down(world: World) -> None:
    """A worker's cable is out for 1, 4 and 14 s; the other goes on; the first comes back by itself."""
    cluster, network = _cluster(world, LONG)
    cluster.wait_for_step(100)
    for seconds in [1, 4, 14]:
        network.down(2)
        world.sleep(seconds)
        healed = time.monotonic()
        network.up(2)
        cluster.wait_for_progress(50)
        world.note(f"back after {_until_back(cluster, 'worker-1', healed):.2f} s")
    cluster.finish()


@scenario("coordinator-link-down", needs_root=True, limit=300)
def coordinator_link_down(world: World) -> Figures:
    """The coordinator's cable is out for 1, 4 and 14 s: all wait, and go on when it is in again."""
    cluster, network = _cluster(world, SHORT)
    took = []
    cluster.wait_for_step(100)
    for seconds in [1, 4, 14]:
        network.down(1)
        world.sleep(seconds)
        network.up(1)
        took.append(round(cluster.wait_for_progress(20), 2))
    cluster.finish()
    return {"20 steps after healing, s": took}


def _silent(world: World, incoming: bool, outgoing: bool) -> Figures:
    cluster, network = _cluster(world, LONG)
    cluster.wait_for_step(100)
    began = time.monotonic()
    network.drop(2, incoming=incoming, outgoing=outgoing)
    at, _ = cluster.coordinator.wait_for_line("lost worker-1", within=15, after=began)
    world.sleep(max(0.0, 16 - (time.monotonic() - began)))
    healed = time.monotonic()
    network.stop_dropping(2)
    back = _until_back(cluster, "worker-1", healed)
    cluster.finish()
    return {"lost after, s": round(at - began, 2), "back after, s": round(back, 2)}


@scenario("host-silent", needs_root=True, limit=300)
def host_silent(world: World) -> Figures:
    """All packets of a worker vanish for 16 s: it is lost within 15 s, and is back on healing."""
    return _silent(world, incoming=True, outgoing=True)


@scenario("host-deaf", needs_root=True, limit=300)
def host_deaf(world: World) -> Figures:
    """All packets to a worker vanish for 16 s."""
    return _silent(world, incoming=True, outgoing=False)


@scenario("host-mute", needs_root=True, limit=300)
def host_mute(world: World) -> Figures:
    """All packets from a worker vanish for 16 s."""
    return _silent(world, incoming=False, outgoing=True)


def _slow(world: World, job: Job, fault: Callable[[Network], None]) -> Figures:
    """A fault that may only slow the run down."""
    cluster, network = _cluster(world, job)
    cluster.wait_for_step(20)
    fault(network)
    began, step = world.now, cluster.step()
    cluster.coordinator.wait(world.left())
    took = world.now - began
    for worker in cluster.workers:
        # The last word may be lost too: then it waits for the coordinator as long as it has patience.
        cluster.expect(worker, 75)
    cluster.finish(going_home=90)
    lost = [line for _, line in cluster.coordinator.lines if line.startswith("lost ")]
    if lost:
        raise Broken(f"a slow link was taken for a dead worker: {lost}")
    return {"ms per step": round(1000 * took / (job.steps - step))}


@scenario("packet-loss", needs_root=True)
def packet_loss(world: World) -> Figures:
    """A worker loses 20 % of all packets, both ways: slower, nobody is evicted, the same bits."""
    return _slow(world, FEW, lambda network: network.drop(2, incoming=True, outgoing=True, percent=20))


@scenario("narrow-link", needs_root=True)
def narrow_link(world: World) -> Figures:
    """Everybody sends 50 Mbit/s at most: slower, nobody is evicted, the same bits."""

    def narrow(network: Network) -> None:
        for host in (1, 2, 3):
            network.limit(host, "50mbit")

    return _slow(world, FEW, narrow)
