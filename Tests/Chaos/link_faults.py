"""Bad links between coordinator and workers, by a relay that needs no root: delay, jitter, little bandwidth, silence, cuts."""

import time

from .cluster import Cluster
from .job import LONG, LONGEST, SHORT, Job
from .process import Broken
from .registry import Figures, scenario
from .relay import Relay
from .world import World

# Few steps, for each costs a round trip or a transfer of weights and gradients.
SLOW = Job(batch=64, steps=150, checkpoint_interval=50)


def _cluster(world: World, job: Job, own: int = 0, relayed: int = 2) -> tuple[Cluster, Relay]:
    """A coordinator with workers on its own machine and workers behind the relay."""
    cluster = Cluster(world, job)
    cluster.start_coordinator(expected=own + relayed)
    relay = Relay(world, cluster.address)
    for _ in range(own):
        cluster.add_worker()
    for _ in range(relayed):
        cluster.add_worker(address=relay.address)
    return cluster, relay


def _require_nobody_lost(cluster: Cluster) -> None:
    lost = [line for _, line in cluster.coordinator.lines if line.startswith("lost ")]
    if lost:
        raise Broken(f"a slow link was taken for a dead worker: {lost}")


def _slower(world: World, **change: float) -> Figures:
    """A change of the relay that may cost nothing but time."""
    cluster, relay = _cluster(world, SLOW)
    relay.change(**change)
    world.fault(f"{change}")
    cluster.wait_for_step(10)
    began, step = world.now, cluster.step()
    cluster.finish()
    _require_nobody_lost(cluster)
    return {"ms per step": round(1000 * (world.now - began) / (SLOW.steps - step))}


@scenario("link-delay")
def link_delay(world: World) -> Figures:
    """40 ms each way and as much jitter: slower, nobody is evicted, the same bits."""
    return _slower(world, delay=0.04, jitter=0.04)


@scenario("link-bandwidth")
def link_bandwidth(world: World) -> Figures:
    """4 Mbit/s per connection and way, so that a step takes a third of a second: slower, nobody is evicted, the same bits."""
    return _slower(world, bytes_per_second=500_000)


@scenario("link-stalls")
def link_stalls(world: World) -> None:
    """The links hold everything for up to two seconds, both ways or one, and let it go again."""
    cluster, relay = _cluster(world, SHORT)

    def strike() -> None:
        up, down = world.random.choice([(True, True), (True, False), (False, True)])
        world.fault(f"stall, upwards {up}, downwards {down}, at step {cluster.step()}")
        relay.change(holds_upwards=up, holds_downwards=down)
        world.sleep(world.random.uniform(0.1, 2))
        relay.heal()

    cluster.at_random_steps(4, strike)
    cluster.finish()


@scenario("link-cuts", quick=True)
def link_cuts(world: World) -> Figures:
    """Connections are reset at random moments and may come back at once: a worker that is there still goes on working."""
    cluster, relay = _cluster(world, SHORT)
    slowest = 0.0

    def strike() -> None:
        nonlocal slowest
        world.fault(f"cut at step {cluster.step()}")
        relay.cut()
        slowest = max(slowest, cluster.wait_for_progress(10))

    cluster.at_random_steps(6, strike)
    cluster.finish()
    return {"slowest recovery, s": round(slowest, 2)}


@scenario("link-down-and-up", limit=300)
def link_down_and_up(world: World) -> None:
    """Half of the workers are cut off for 3, 7 and 15 s and refused meanwhile; the others go on; on healing they are back."""
    cluster, relay = _cluster(world, LONGEST, own=1, relayed=1)
    cluster.wait_for_step(100)
    for seconds in [3, 7, 15]:
        world.fault(f"down for {seconds} s at step {cluster.step()}")
        relay.change(refuses=True)
        relay.cut()
        world.sleep(seconds)
        relay.heal()
        if not cluster.coordinator.is_running:
            raise Broken("the run was too short for this")
        world.wait_until("the connection is back", lambda: relay.connections() > 0, within=10)
    cluster.finish()


@scenario("half-open", limit=300)
def half_open(world: World) -> Figures:
    """Nothing passes and nothing is closed, for 20 s: the one that is behind it is evicted within 12 s, and is back on healing."""
    cluster, relay = _cluster(world, LONG, own=1, relayed=1)
    cluster.wait_for_step(100)
    world.fault(f"silence at step {cluster.step()}")
    began = time.monotonic()
    relay.change(holds_upwards=True, holds_downwards=True)
    at, _ = cluster.coordinator.wait_for_line("lost worker-2", within=12, after=began)
    world.sleep(20 - (time.monotonic() - began))
    healed = time.monotonic()
    relay.heal()
    back, _ = cluster.coordinator.wait_for_line("worker-2", within=15, after=healed)
    cluster.finish()
    return {"evicted after, s": round(at - began, 2), "back after, s": round(back - healed, 2)}


@scenario("one-way", limit=300)
def one_way(world: World) -> None:
    """One direction is silent for 12 s, then the other: half of the cluster hears and is not heard, or speaks and does not hear."""
    cluster, relay = _cluster(world, LONGEST, own=1, relayed=1)
    cluster.wait_for_step(100)
    for direction in ["holds_upwards", "holds_downwards"]:
        world.fault(f"{direction} at step {cluster.step()}")
        relay.change(**{direction: True})
        world.sleep(12)
        relay.heal()
        cluster.wait_for_progress(20)
    cluster.finish()


@scenario("whole-cluster-silent", limit=300)
def whole_cluster_silent(world: World) -> Figures:
    """All links are silent for 14 s: the run waits; on healing it goes on by itself."""
    cluster, relay = _cluster(world, SHORT)
    cluster.wait_for_step(200)
    world.fault(f"silence at step {cluster.step()}")
    relay.change(holds_upwards=True, holds_downwards=True)
    world.sleep(14)
    relay.heal()
    took = cluster.wait_for_progress(20)
    cluster.finish()
    return {"20 steps after healing, s": round(took, 2)}


@scenario("one-connection-only")
def one_connection_only(world: World) -> None:
    """The way lets one connection through at a time: the second worker is refused as long as the first is there."""
    cluster = Cluster(world, SHORT)
    cluster.start_coordinator()
    relay = Relay(world, cluster.address)
    relay.change(most_connections=1)
    for _ in range(2):
        cluster.add_worker(address=relay.address)
    for worker in cluster.workers:
        # One of them never finds the coordinator, or finds it gone.
        cluster.expect(worker, 69, 75)
    for step in sorted(world.random.randrange(100, 1200) for _ in range(3)):
        cluster.wait_for_step(step)
        world.fault(f"cut at step {cluster.step()}")
        relay.cut()
    # The refused one would try for a minute: its time is over with the run.
    world.wait_until("the run's end", lambda: not cluster.coordinator.is_running, within=60)
    for worker in cluster.live_workers():
        cluster.expect(worker, 143)
        worker.send(15)
    cluster.finish()


@scenario("link-weather")
def link_weather(world: World) -> None:
    """Everything at random for the length of a run: delay, little bandwidth, silence, cuts, refusals, kills."""
    cluster, relay = _cluster(world, SHORT, own=1, relayed=3)

    def strike() -> None:
        kind = world.random.choice(["slow", "silent", "cut", "down", "kill"])
        world.fault(f"{kind} at step {cluster.step()}")
        if kind == "slow":
            relay.change(delay=world.random.uniform(0, 0.1), jitter=0.05, bytes_per_second=world.random.uniform(2e6, 2e7))
        elif kind == "silent":
            relay.change(**{world.random.choice(["holds_upwards", "holds_downwards"]): True})
        elif kind == "kill":
            # None may be left to kill when the run is over.
            if victims := cluster.live_workers():
                cluster.kill_worker(world.random.choice(victims))
                cluster.add_worker(address=relay.address)
        else:
            relay.change(refuses=kind == "down")
            relay.cut()
        world.sleep(world.random.uniform(0, 1.5))
        relay.heal()

    cluster.at_random_steps(10, strike)
    for worker in cluster.workers:
        cluster.expect(worker, 75)
    cluster.finish()
