"""Figures against the bars of the project: how soon a shard is recomputed, how much speed is left under faults and strangers.

A figure beyond its bar is a failure. Run them on a quiet machine, or believe none of them.
"""

import os
import signal
import statistics
import time

from .cluster import Cluster
from .job import LONG, Job
from .process import Broken
from .registry import Figures, scenario
from .steptrace import Origin, read_answers, recomputed_at
from .stranger_faults import let_in, send_away
from .world import World

# Small steps: a bar in milliseconds has to hold a recomputation too.
QUICK_STEPS = Job(batch=64, steps=5000, log_interval=1, checkpoint_interval=500)
STRIKES = 10
# Seconds within which what was on its way when a worker was struck has arrived.
SENT = 0.02


def _recomputation(world: World, number: int, remote: bool) -> list[float]:
    """Milliseconds from each signal to a worker until its shard was there from somebody else."""
    cluster = Cluster(world, QUICK_STEPS)
    trace = world.folder / "trace.json"
    origin = Origin(trace)
    if remote:
        cluster.start_coordinator("--trace", str(trace), expected=2)
        cluster.add_worker()
        cluster.add_worker()
    else:
        cluster.start_train("--trace", str(trace))
    began = origin.wait()
    strikes: list[tuple[str, float]] = []
    for index in range(STRIKES):
        cluster.wait_for_step(QUICK_STEPS.steps * (index + 1) // (STRIKES + 3))
        strikes.append(_strike(cluster, number, remote))
    cluster.finish()
    answers = read_answers(trace.read_text(), began)
    taken = []
    for mark, at in strikes:
        done = recomputed_at(answers, mark, at, SENT)
        if not done:
            raise Broken(f"the trace does not tell what became of the shard of {mark}")
        taken.append(1000 * (done - at))
        world.note(f"{mark}: recomputed after {taken[-1]:.1f} ms")
    return taken


def _strike(cluster: Cluster, number: int, remote: bool) -> tuple[str, float]:
    world = cluster.world
    world.sleep(world.random.uniform(0, 0.02))
    if not remote:
        world.wait_until("two children", lambda: len(cluster.coordinator.children()) == 2)
        victim = world.random.choice(cluster.coordinator.children())
        world.fault(f"{signal.Signals(number).name} {victim}")
        at = time.monotonic()
        os.kill(victim, number)
        # Workers are called "name (pid 123, peer 1)".
        return f"pid {victim},", at
    worker = world.random.choice(cluster.live_workers())
    world.fault(f"{signal.Signals(number).name} {worker.name}")
    cluster.expect(worker, -signal.SIGKILL)
    at = time.monotonic()
    worker.send(number)
    if number == signal.SIGSTOP:
        cluster.wait_for_progress(20)
        worker.send(signal.SIGCONT)
    else:
        cluster.add_worker()
        cluster.coordinator.wait_for_line(f"{cluster.workers[-1].name} ", within=10, after=at)
    return f"pid {worker.pid},", at


def _summary(milliseconds: list[float], bar: float, what: str) -> Figures:
    figures = {
        "median, ms": round(statistics.median(milliseconds), 1),
        "slowest, ms": round(max(milliseconds), 1),
        "bar, ms": bar,
    }
    if max(milliseconds) > bar:
        raise Broken(f"{what}: {figures}")
    return figures


@scenario("measure-remote-kill", measures=True, limit=300)
def measure_remote_kill(world: World) -> Figures:
    """From kill -9 of a worker over tcp to its shard recomputed by another: within 50 ms."""
    return _summary(_recomputation(world, signal.SIGKILL, remote=True), 50, "kill -9 over tcp")


@scenario("measure-local-kill", measures=True, limit=300)
def measure_local_kill(world: World) -> Figures:
    """From kill -9 of a worker process of `train` to its shard recomputed by another: within 50 ms."""
    return _summary(_recomputation(world, signal.SIGKILL, remote=False), 50, "kill -9 of a child")


@scenario("measure-stop", measures=True, limit=300)
def measure_stop(world: World) -> Figures:
    """From SIGSTOP of a worker to its shard recomputed by another: within 1 s."""
    return _summary(_recomputation(world, signal.SIGSTOP, remote=True), 1000, "SIGSTOP")


@scenario("measure-goodput", measures=True, limit=300)
def measure_goodput(world: World) -> Figures:
    """Two workers, one killed and replaced each second: at least 80 % of (live worker-seconds × a worker's speed undisturbed)."""
    # Enough for four rounds at 270 steps a second, as two undisturbed cores do.
    job = Job(batch=256, steps=14000, log_interval=1, checkpoint_interval=4000)
    cluster = Cluster(world, job)
    cluster.start(workers=2)
    cluster.wait_for_step(50)
    speeds, goodput, lived = [], [], []
    joined = {worker: time.monotonic() for worker in cluster.workers}
    # In turn: four seconds without faults, five with a kill each second.
    while cluster.step() < job.steps * 7 // 10 and len(goodput) < 4:
        step, began = cluster.step(), time.monotonic()
        world.sleep(4)
        speeds.append((cluster.step() - step) / (time.monotonic() - began) / 2)
        step, began = cluster.step(), time.monotonic()
        live = 0.0
        for _ in range(5):
            killed = time.monotonic()
            victim = world.random.choice(cluster.live_workers())
            cluster.kill_worker(victim)
            newcomer = cluster.add_worker()
            world.sleep(1 - (time.monotonic() - killed))
            found = cluster.coordinator.find(f"{newcomer.name} ")
            joined[newcomer] = found[0] if found else time.monotonic()
            # One was there all the time, the newcomer since it had joined.
            live += 2 * (time.monotonic() - killed) - (joined[newcomer] - killed)
        goodput.append((cluster.step() - step) / live)
        lived.append(live / (time.monotonic() - began))
    cluster.finish()
    share = statistics.median(goodput) / statistics.median(speeds)
    figures = {
        "of a worker's speed": f"{share:.0%}",
        "bar": "80 %",
        "live workers, mean": round(statistics.mean(lived), 2),
        "steps/s of a worker": round(statistics.median(speeds)),
    }
    if share < 0.8:
        raise Broken(f"goodput: {figures}")
    return figures


@scenario("measure-coordinator-restart", measures=True, limit=300)
def measure_coordinator_restart(world: World) -> Figures:
    """From kill -9 of the coordinator, restarted at once with --resume, to the next committed step: within 2 s."""
    cluster = Cluster(world, QUICK_STEPS)
    cluster.start(workers=2)
    taken = []
    for index in range(STRIKES):
        cluster.wait_for_step(QUICK_STEPS.steps * (index + 1) // (STRIKES + 3))
        world.sleep(world.random.uniform(0, 0.05))
        world.wait_until("a checkpoint", lambda: cluster.has_checkpoint)
        began = time.monotonic()
        cluster.kill_coordinator()
        coordinator = cluster.restart_coordinator()
        at, line = coordinator.wait_for_line("resuming after step ", within=10)
        resumed = int(line.rpartition(" ")[2])
        # Metrics are cut to the checkpoint's step when the first step begins: the one after it is new.
        world.wait_until("a step", lambda: cluster.has_committed_anew(resumed), within=20)
        taken.append(1000 * (time.monotonic() - began))
        world.note(f"next step after {taken[-1]:.0f} ms")
    cluster.finish()
    return _summary(taken, 2000, "coordinator restart")


def _speed_beside(world: World, bar: float, *kinds: str, count: int = 1000, rate: float = 100) -> Figures:
    """Loss of speed while strangers are there: phases with and without them in turn, in one run.

    Strangers have machines of their own; on this one they take only what it leaves idle, and how often they came is reported.
    """
    job = Job(batch=LONG.batch, steps=12000, log_interval=1, checkpoint_interval=4000)
    cluster = Cluster(world, job)
    cluster.start(workers=2)
    cluster.wait_for_step(100)
    shares: list[float] = []
    rates: list[float] = []
    alone = _speed(cluster)
    while cluster.step() < job.steps * 8 // 10 and len(shares) < 6:
        strangers = let_in(world, cluster.address, *kinds, count=count, rate=rate, elsewhere=True)
        beside = _speed(cluster)
        rates.append(send_away(strangers))
        world.sleep(0.3)
        after = _speed(cluster)
        shares.append(beside / ((alone + after) / 2))
        alone = after
    cluster.finish(clean=False)
    loss = 1 - statistics.median(shares)
    figures = {"loss, median": f"{loss:.1%}", "of each pair": " ".join(f"{1 - share:.0%}" for share in shares), "bar": f"{bar:.0%}"}
    figures["connections/s"] = f"{statistics.median(rates):.0f}"
    if loss > bar:
        raise Broken(f"speed beside strangers: {figures}")
    return figures


def _speed(cluster: Cluster) -> float:
    """Steps per second over two seconds."""
    step, began = cluster.step(), time.monotonic()
    cluster.world.sleep(2)
    return (cluster.step() - step) / (time.monotonic() - began)


@scenario("measure-idle-connections", measures=True, limit=300)
def measure_idle_connections(world: World) -> Figures:
    """Speed beside 1,000 idle connections: a loss of less than 5 %."""
    return _speed_beside(world, 0.05, "idle")


@scenario("measure-strangers", measures=True, limit=300)
def measure_strangers(world: World) -> Figures:
    """Speed beside 100 attempts of strangers a second, who say a well-formed hello of another build: a loss of less than 5 %."""
    return _speed_beside(world, 0.05, "hello", rate=100)


@scenario("measure-garbage", measures=True, limit=300)
def measure_garbage(world: World) -> Figures:
    """Speed beside 100 senders of garbage a second: a loss of less than 5 %."""
    return _speed_beside(world, 0.05, "noise", "partial-greeting", "garbage", "huge", "wrong-socket", rate=100)
