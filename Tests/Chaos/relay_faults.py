"""Relays (`siamese relay`) that are killed and stopped. Not `relay.py`, which is a bad network."""

import time

from .cluster import Cluster
from .job import LONG, SHORT, Job
from .process import Broken
from .registry import Figures, scenario
from .world import World


def _cluster(world: World, job: Job) -> Cluster:
    """Two relays with two workers each, and a worker beside them."""
    cluster = Cluster(world, job)
    cluster.start_coordinator(expected=3)
    for relay in [cluster.add_relay(), cluster.add_relay()]:
        for _ in range(2):
            cluster.add_worker(relay=relay)
    cluster.add_worker()
    return cluster


@scenario("relay-kill", quick=True)
def relay_kill(world: World) -> Figures:
    """kill -9 of a random relay at four random moments; the next one at its address gets its workers by itself."""
    return kill_relays(world, SHORT)


def kill_relays(world: World, job: Job) -> Figures:
    """Four of a run's."""
    cluster = _cluster(world, job)
    slowest = 0.0

    def strike() -> None:
        nonlocal slowest
        relay = world.random.choice(cluster.relays)
        cluster.kill_relay(relay)
        world.sleep(world.random.choice([0, 0, 0.3]))
        began = time.monotonic()
        cluster.start_relay(relay)
        cluster.wait_for_progress(10)
        slowest = max(slowest, time.monotonic() - began)

    cluster.at_random_steps(4, strike)
    _require_same_workers(cluster)
    cluster.finish()
    return {"slowest progress, s": round(slowest, 2)}


def _require_same_workers(cluster: Cluster) -> None:
    if len(cluster.workers) != 5:
        raise Broken("a worker had to be replaced")


# Long: a relay that is stopped when the run ends waits for the coordinator to come back, and its workers with it.
@scenario("relay-pause", limit=300)
def relay_pause(world: World) -> None:
    """SIGSTOP of a random relay for up to two seconds, four times: the others take its shards, its late sums change nothing."""
    cluster = _cluster(world, LONG)

    def strike() -> None:
        relay = world.random.choice(cluster.relays).process
        cluster.stop(relay)
        world.sleep(world.random.uniform(0.05, 2))
        cluster.go_on(relay)

    cluster.at_random_steps(4, strike)
    _require_same_workers(cluster)
    cluster.finish()


@scenario("relay-long-pause", limit=300)
def relay_long_pause(world: World) -> None:
    """SIGSTOP of a relay for 14 s: it is evicted with all its workers, and they come back when it does."""
    cluster = _cluster(world, LONG)
    cluster.wait_for_step(100)
    relay = cluster.relays[0]
    began = time.monotonic()
    cluster.stop(relay.process)
    cluster.coordinator.wait_for_line(f"lost {relay.name}", within=20, after=began)
    world.sleep(max(0.0, 14 - (time.monotonic() - began)))
    resumed = time.monotonic()
    cluster.go_on(relay.process)
    cluster.coordinator.wait_for_line(relay.name, within=20, after=resumed)
    cluster.wait_for_progress(20)
    cluster.finish()
