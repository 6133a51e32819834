"""Workers that are killed, stopped, sent home, and replaced."""

import os
import signal
import time

from .cluster import Cluster
from .job import LONG, SHORT
from .process import Broken, Process
from .registry import Figures, scenario
from .world import World


@scenario("worker-kill", quick=True)
def worker_kill(world: World) -> None:
    """kill -9 of a random worker at eight random moments; each is replaced."""
    kill_workers(Cluster(world, SHORT))


def kill_workers(cluster: Cluster) -> None:
    """Eight of a run's."""
    world = cluster.world
    cluster.start(workers=3)

    def strike() -> None:
        cluster.kill_worker(world.random.choice(cluster.live_workers()))
        cluster.add_worker()

    cluster.at_random_steps(8, strike)
    cluster.finish()


@scenario("local-worker-kill", quick=True)
def local_worker_kill(world: World) -> None:
    """kill -9 of worker processes that `train` has started itself; it starts others."""
    cluster = Cluster(world, SHORT)
    train = cluster.start_train(workers=3)

    def strike() -> None:
        victim = world.random.choice(train.children())
        world.fault(f"kill -9 {victim} at step {cluster.step()}")
        _signal(victim, signal.SIGKILL)

    # A few: the program gives up on workers that keep dying, as it should.
    cluster.at_random_steps(3, strike)
    cluster.finish()


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


@scenario("all-workers-killed", quick=True)
def all_workers_killed(world: World) -> None:
    """Every worker is killed, three times; the run waits, says so, and goes on when workers come."""
    cluster = Cluster(world, SHORT)
    cluster.start(workers=2)

    def strike() -> None:
        began = time.monotonic()
        for worker in cluster.live_workers():
            cluster.kill_worker(worker)
        cluster.coordinator.wait_for_line("waiting: no worker is connected", within=20, after=began)
        world.sleep(world.random.uniform(0, 0.5))
        for _ in range(2):
            cluster.add_worker()

    cluster.at_random_steps(3, strike)
    cluster.finish()


# Long: a worker that is stopped when the run ends waits for the coordinator to come back.
@scenario("worker-pause", limit=300)
def worker_pause(world: World) -> None:
    """SIGSTOP of random workers for up to two seconds, then SIGCONT."""
    cluster = Cluster(world, LONG)
    cluster.start(workers=3)

    def strike() -> None:
        worker = world.random.choice(cluster.workers)
        cluster.stop(worker)
        world.sleep(world.random.uniform(0.05, 2))
        cluster.go_on(worker)

    cluster.at_random_steps(4, strike)
    cluster.finish()


@scenario("worker-long-pause", limit=300)
def worker_long_pause(world: World) -> None:
    """SIGSTOP of one of two workers for 14 s: it is evicted, its late words change nothing, it registers anew and works."""
    cluster = Cluster(world, LONG)
    cluster.start(workers=2)
    cluster.wait_for_step(200)
    worker = cluster.workers[0]
    began = time.monotonic()
    cluster.stop(worker)
    cluster.coordinator.wait_for_line("lost worker-1", within=20)
    world.sleep(max(0.0, 14 - (time.monotonic() - began)))
    resumed = time.monotonic()
    cluster.go_on(worker)
    cluster.coordinator.wait_for_line("worker-1", within=15, after=resumed)
    cluster.finish()


@scenario("all-workers-long-pause")
def all_workers_long_pause(world: World) -> None:
    """Both workers are stopped for 14 s and continued: the run goes on by itself."""
    cluster = Cluster(world, SHORT)
    cluster.start(workers=2)
    cluster.wait_for_step(300)
    for worker in cluster.workers:
        cluster.stop(worker)
    world.sleep(14)
    for worker in cluster.workers:
        cluster.go_on(worker)
    took = cluster.wait_for_progress(20, within=20)
    world.note(f"20 more steps after {took:.2f} s")
    cluster.finish()


@scenario("worker-terminate", quick=True)
def worker_terminate(world: World) -> Figures:
    """SIGTERM of workers: each ends by itself with 143, also in the middle of a shard, and the coordinator knows at once."""
    return terminate_workers(world, within=10)


def terminate_workers(world: World, within: float) -> Figures:
    """SIGTERM of five workers at random moments; each has ended after `within` seconds. A loaded machine needs more than a quiet one."""
    cluster = Cluster(world, SHORT)
    cluster.start(workers=3)
    took: list[float] = []
    goodbyes: list[bool] = []

    def joined() -> list[Process]:
        """A process that has only just begun does not heed signals yet."""
        return [worker for worker in cluster.live_workers() if cluster.coordinator.find(f"{worker.name} (pid {worker.pid},")]

    def strike() -> None:
        world.wait_until("a worker has joined", lambda: bool(joined()))
        worker = world.random.choice(joined())
        world.fault(f"SIGTERM {worker.name} at step {cluster.step()}")
        cluster.expect(worker, 128 + signal.SIGTERM)
        began = time.monotonic()
        worker.send(signal.SIGTERM)
        worker.wait(within)
        took.append(time.monotonic() - began)
        if worker.code != 128 + signal.SIGTERM:
            raise Broken(f"{worker.name} ended with {worker.code} on SIGTERM: {worker.last_words()}")
        _, line = cluster.coordinator.wait_for_line(f"lost {worker.name}", within, after=began)
        # It says goodbye; whether that or the broken link is seen first, its shard goes to another.
        goodbyes.append("it left" in line)
        cluster.add_worker()

    cluster.at_random_steps(5, strike)
    cluster.finish()
    return {"slowest leave, ms": round(max(took) * 1000), "goodbyes heard": f"{sum(goodbyes)} of {len(goodbyes)}"}


@scenario("interrupt-twice", quick=True)
def interrupt_twice(world: World) -> Figures:
    """Ctrl-C twice, of `train`, at a random moment: it ends soon, nothing is left, --resume goes on."""
    return interrupt_train_twice(world, within=10)


def interrupt_train_twice(world: World, within: float, label: str = "") -> Figures:
    """Four times, at random moments; each has ended after `within` seconds."""
    cluster = Cluster(world, SHORT, label=label)
    slowest = 0.0
    for _ in range(4):
        process = cluster.start_train(*cluster.resumption)
        cluster.wait_for_step(cluster.step() + 100)
        world.sleep(world.random.uniform(0, 0.05))
        world.fault(f"SIGINT, and again soon, to {process.name}")
        began = time.monotonic()
        process.send(signal.SIGINT)
        world.sleep(world.random.choice([0, 0.001, 0.01, 0.1]))
        process.send(signal.SIGINT)
        code = process.wait(within)
        slowest = max(slowest, time.monotonic() - began)
        if code != 128 + signal.SIGINT:
            raise Broken(f"{process.name} ended with {code} on two SIGINT: {process.last_words()}")
        # They have 2 s of their own from when they see that it has gone.
        world.wait_until("its workers have gone", lambda: not world.strays(), within=10)
    cluster.start_train("--resume")
    cluster.finish(clean=False)
    return {"slowest end, ms": round(slowest * 1000)}


@scenario("worker-churn", limit=300)
def worker_churn(world: World) -> Figures:
    """Every second of the whole run one worker is killed and another is started."""
    cluster = Cluster(world, LONG)
    cluster.start(workers=2)
    cluster.wait_for_step(20)
    kills = 0
    while cluster.coordinator.is_running and cluster.step() < LONG.steps * 9 // 10:
        world.sleep(1)
        cluster.kill_worker(world.random.choice(cluster.live_workers()))
        cluster.add_worker()
        kills += 1
    cluster.finish()
    return {"kills": kills}


@scenario("join-storm")
def join_storm(world: World) -> Figures:
    """50 worker processes join at once; half of them leave again, half of those by force."""
    cluster = Cluster(world, SHORT)
    cluster.start(workers=1)
    cluster.wait_for_step(50)
    world.fault("50 workers at once")
    began = time.monotonic()
    newcomers = [cluster.add_worker() for _ in range(50)]
    ended = False
    joined = 0
    while not ended and joined < 50:
        joined = sum(1 for _, line in list(cluster.coordinator.lines) if line.endswith(" joined")) - 1
        ended = not cluster.coordinator.is_running
        world.sleep(0.01)
    took = time.monotonic() - began
    for worker in newcomers[::2]:
        number = world.random.choice([signal.SIGKILL, signal.SIGTERM])
        world.fault(f"{number.name} {worker.name}")
        cluster.expect(worker, -number, 128 + number)
        worker.send(number)
    # Who comes when the run is over finds nobody: it says so and ends.
    for worker in newcomers:
        cluster.expect(worker, 69, 75)
    cluster.finish()
    return {"joined": joined, "seconds until they had": round(took, 2)}
