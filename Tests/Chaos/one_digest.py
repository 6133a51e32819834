"""The matrix of the promise: however many workers, over whatever link, under however many relays: one digest. And everything at once."""

import time

from .cluster import Cluster, RelayPlace
from .job import SHORT, Job
from .registry import Figures, scenario
from .world import World

# Every worker has a shard in every step, the last one a ragged one; the epochs' ends are not in it.
BRIEF = Job(batch=96, steps=60, checkpoint_interval=25)
MOST_WORKERS = 8


@scenario("one-digest", limit=600)
def one_digest(world: World) -> Figures:
    """0 to 8 workers, by `train`, over tcp, over tcp with keys, under one and two levels of relays with and without keys: one digest."""
    cells = 0
    for workers in range(MOST_WORKERS + 1):
        _train(world, workers)
        cells += 1
        for keyed in [False, True] if workers else []:
            for levels in range(3):
                _over_tcp(world, workers, levels, keyed)
                cells += 1
    return {"ways": cells}


@scenario("one-digest-sample", quick=True)
def one_digest_sample(world: World) -> None:
    """Five of the ways of `one-digest`, drawn anew for each seed."""
    _train(world, world.random.randrange(MOST_WORKERS + 1))
    for levels, keyed in [(0, True), (1, False), (1, True), (2, True)]:
        _over_tcp(world, world.random.randrange(1, 5), levels, keyed)


def _train(world: World, workers: int) -> None:
    world.fault(f"train with {workers} workers")
    cluster = Cluster(world, BRIEF, label=f"-train-{workers}")
    cluster.start_train(workers=workers)
    cluster.finish(within=60)


def _over_tcp(world: World, workers: int, levels: int, keyed: bool) -> None:
    """All workers but one behind relays, that one beside them: it comes last, and with it the run begins."""
    world.fault(f"{workers} workers, {levels} levels of relays, {'with' if keyed else 'without'} keys")
    cluster = Cluster(world, BRIEF, keyed=keyed, label=f"-{workers}-{levels}-{'keys' if keyed else 'plain'}")
    behind = max(1, workers - 1) if levels else 0
    # With two levels one relay is above the others.
    relays_below = min(2, behind)
    children = (1 if levels == 2 else relays_below) + workers - behind
    cluster.start_coordinator(expected=children)
    relays = _relays(cluster, levels, relays_below)
    for index in range(behind):
        worker = cluster.add_worker(relay=relays[index % len(relays)])
        relays[index % len(relays)].process.wait_for_line(f"{worker.name.removesuffix(cluster.label)} (pid", within=30)
    for _ in range(workers - behind):
        cluster.add_worker()
    cluster.finish(within=60)


def _relays(cluster: Cluster, levels: int, below: int) -> list[RelayPlace]:
    """The lowest ones."""
    above = cluster.add_relay() if levels == 2 else None
    return [cluster.add_relay(above) for _ in range(below)] if levels else []


@scenario("one-digest-chaos", limit=300)
def one_digest_chaos(world: World) -> Figures:
    """Keys and relays, and in turn a worker, a relay and the coordinator are killed and come back, three times over: the same digest."""
    cluster = Cluster(world, SHORT, keyed=True)
    cluster.start_coordinator(expected=3)
    for relay in [cluster.add_relay(), cluster.add_relay()]:
        for _ in range(2):
            cluster.add_worker(relay=relay)
    cluster.add_worker()
    places: dict[object, RelayPlace | None] = {
        worker: relay for worker, relay in zip(cluster.workers, [*([cluster.relays[0]] * 2), *([cluster.relays[1]] * 2), None])
    }
    kinds = [kind for _ in range(3) for kind in world.random.sample(["worker", "relay", "coordinator"], 3)]
    slowest = 0.0

    def strike() -> None:
        nonlocal slowest
        kind = kinds.pop()
        began = time.monotonic()
        if kind == "worker":
            victim = world.random.choice(cluster.live_workers())
            cluster.kill_worker(victim)
            places[cluster.add_worker(relay=places[victim])] = places[victim]
        elif kind == "relay":
            relay = world.random.choice(cluster.relays)
            cluster.kill_relay(relay)
            cluster.start_relay(relay)
        else:
            cluster.kill_coordinator()
            cluster.restart_coordinator()
        cluster.wait_for_progress(10)
        slowest = max(slowest, time.monotonic() - began)

    cluster.at_random_steps(len(kinds), strike)
    cluster.finish()
    return {"slowest progress, s": round(slowest, 2)}
