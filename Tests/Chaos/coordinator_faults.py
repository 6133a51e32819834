"""A coordinator that is killed, stopped, doubled, and that comes back when nobody expects it."""

import shutil
import signal
import time

from .cluster import Cluster
from .job import LONG, SHORT
from .process import Broken
from .registry import Figures, scenario
from .relay import Relay
from .world import World


@scenario("coordinator-kill", quick=True)
def coordinator_kill(world: World) -> Figures:
    """kill -9 of the coordinator at random moments, restarted on its address with --resume; the same workers go on by themselves."""
    return kill_coordinators(Cluster(world, SHORT))


def kill_coordinators(cluster: Cluster) -> Figures:
    """Three of a run's."""
    world = cluster.world
    cluster.start(workers=2)
    slowest = 0.0

    def strike() -> None:
        nonlocal slowest
        cluster.kill_coordinator()
        world.sleep(world.random.choice([0, 0, 0.3]))
        cluster.restart_coordinator()
        began = time.monotonic()
        cluster.wait_for_progress(10)
        slowest = max(slowest, time.monotonic() - began)

    cluster.at_random_steps(3, strike)
    if len(cluster.workers) != 2:
        raise Broken("a worker had to be replaced")
    cluster.finish()
    return {"slowest return, s": round(slowest, 2)}


@scenario("coordinator-kill-early")
def coordinator_kill_early(world: World) -> None:
    """kill -9 of the coordinator within its first second, five times: before it listens, before the first step or checkpoint."""
    cluster = Cluster(world, SHORT)
    cluster.start_coordinator()
    address = cluster.address
    cluster.add_worker()
    for _ in range(5):
        world.sleep(world.random.uniform(0, 0.6))
        cluster.kill_coordinator()
        cluster.coordinator.wait(within=5)
        arguments = ["coordinator", *SHORT.arguments(world.data, cluster.output), "--listen", address, *cluster.resumption]
        cluster.coordinators.append(world.start(f"coordinator-{len(cluster.coordinators) + 1}", arguments))
    cluster.finish()


@scenario("coordinator-and-workers-kill")
def coordinator_and_workers_kill(world: World) -> None:
    """Everybody is killed at once, three times, and started anew: a power cut."""
    cluster = Cluster(world, SHORT)
    cluster.start(workers=2)

    def strike() -> None:
        cluster.kill_coordinator()
        for worker in cluster.live_workers():
            cluster.kill_worker(worker)
        cluster.restart_coordinator()
        for _ in range(2):
            cluster.add_worker()

    cluster.at_random_steps(3, strike)
    cluster.finish()


@scenario("train-kill", quick=True)
def train_kill(world: World) -> None:
    """kill -9 of `train` at random moments: its workers go with it, its socket's folder is not in the next one's way."""
    cluster = Cluster(world, SHORT)
    cluster.start_train()

    def strike() -> None:
        train = cluster.coordinator
        world.fault(f"kill -9 {train.name} at step {cluster.step()}")
        train.kill()
        train.wait(within=5)
        world.wait_until("its workers have gone too", lambda: not world.strays(), within=5)
        cluster.start_train(*cluster.resumption)

    cluster.at_random_steps(3, strike)
    cluster.finish(clean=False)


@scenario("coordinator-pause")
def coordinator_pause(world: World) -> None:
    """SIGSTOP of the coordinator for up to three seconds, then SIGCONT: it blames nobody."""
    cluster = Cluster(world, SHORT)
    cluster.start(workers=2)

    def strike() -> None:
        _pause(cluster, world.random.uniform(0.1, 3))

    cluster.at_random_steps(2, strike)
    cluster.finish()
    lost = [line for _, line in cluster.coordinator.lines if line.startswith("lost ") and "left" not in line]
    if lost:
        raise Broken(f"a stopped coordinator blamed its workers: {lost}")


def _pause(cluster: Cluster, seconds: float) -> None:
    cluster.stop(cluster.coordinator)
    cluster.world.sleep(seconds)
    cluster.go_on(cluster.coordinator)
    cluster.wait_for_progress(10)


@scenario("coordinator-long-pause")
def coordinator_long_pause(world: World) -> None:
    """SIGSTOP of the coordinator for 45 s: workers wait, and all go on."""
    cluster = Cluster(world, SHORT)
    cluster.start(workers=2)
    cluster.wait_for_step(300)
    _pause(cluster, 45)
    cluster.finish()


@scenario("coordinator-long-absence")
def coordinator_long_absence(world: World) -> None:
    """The killed coordinator comes back only after 45 s: workers have kept trying."""
    cluster = Cluster(world, SHORT)
    cluster.start(workers=2)
    cluster.wait_for_step(300)
    cluster.kill_coordinator()
    world.sleep(45)
    cluster.restart_coordinator()
    cluster.wait_for_progress(10)
    cluster.finish()


@scenario("second-coordinator")
def second_coordinator(world: World) -> None:
    """A second coordinator on the same folder, and one on the same address, are refused; the first does not notice."""
    cluster = Cluster(world, SHORT)
    cluster.start(workers=2)
    cluster.wait_for_step(100)
    for name, output, listen, code in [
        ("same-folder", cluster.output, "tcp://127.0.0.1:0", 73),
        ("same-address", world.folder / "other", cluster.address, 69),
    ]:
        world.fault(f"a second coordinator: {name}")
        arguments = ["coordinator", *SHORT.arguments(world.data, output), "--listen", listen]
        second = world.start(name, arguments)
        if second.wait(within=10) != code or second.output:
            raise Broken(f"{name}: exit status {second.code}, not {code}: {second.last_words()}")
    cluster.finish()


@scenario("zombie-coordinator")
def zombie_coordinator(world: World) -> None:
    """A stopped coordinator comes back while a new one, which has its checkpoint and its workers, is at work."""
    cluster = Cluster(world, SHORT)
    cluster.start_coordinator(expected=2)
    old, old_address = cluster.coordinator, cluster.address
    relay = Relay(world, old_address)
    for _ in range(2):
        cluster.add_worker(address=relay.address)
    cluster.wait_for_step(world.random.randrange(200, 600))
    world.fault(f"SIGSTOP {old.name} at step {cluster.step()}; its folder goes to another machine")
    old.send(signal.SIGSTOP)
    # A folder of its own, for the lock is the stopped one's: what a failover to a copy on another machine finds.
    new_output = world.folder / "failover"
    shutil.copytree(cluster.output, new_output)
    cluster.output, cluster.listen = new_output, "tcp://127.0.0.1:0"
    cluster.start_coordinator(resume=True)
    relay.lead_to(cluster.address)
    relay.cut()
    cluster.wait_for_progress(30)
    world.fault(f"SIGCONT {old.name}, and the way leads to it for moments")
    old.send(signal.SIGCONT)
    for _ in range(3):
        relay.lead_to(old_address)
        relay.cut()
        world.sleep(world.random.uniform(0.1, 0.5))
        relay.lead_to(cluster.address)
        relay.cut()
        cluster.wait_for_progress(20)
    cluster.finish(clean=False)
    old.kill()


@scenario("coordinator-churn", limit=300)
def coordinator_churn(world: World) -> Figures:
    """The coordinator is killed every few seconds of a long run, and a worker now and then."""
    cluster = Cluster(world, LONG)
    cluster.start(workers=2)
    kills = 0
    while cluster.step() < LONG.steps * 9 // 10:
        world.sleep(world.random.uniform(1, 5))
        if not cluster.coordinator.is_running:
            break
        cluster.kill_coordinator()
        if world.random.random() < 0.3:
            cluster.kill_worker(world.random.choice(cluster.live_workers()))
            cluster.add_worker()
        cluster.restart_coordinator()
        cluster.wait_for_progress(10)
        kills += 1
    cluster.finish()
    return {"kills": kills}
