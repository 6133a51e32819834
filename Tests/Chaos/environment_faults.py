"""Surroundings that are not as they should be: closed or clogged output, few file descriptors.

No scenario turns the wall clock: only the monotonic clock decides anything (Sources/Messaging/MonotonicClock.swift), and a test
with real processes could not turn it for one process alone.
"""

import os
import signal

from .cluster import Cluster
from .job import LONG, SHORT
from .process import Broken
from .registry import Figures, scenario
from . import oracle, procfs
from .stranger_faults import let_in, send_away
from .world import World


def _require_model(cluster: Cluster) -> None:
    """The result of a run whose last line nobody could read."""
    digest = cluster.reference.digest
    line = f"model {cluster.file('model.safetensors')} sha256 {digest}"
    oracle.require_same_result(cluster.job, line, cluster.output, cluster.reference)
    oracle.require_nothing_left(cluster.world)


@scenario("clogged-stderr", quick=True)
def clogged_stderr(world: World) -> None:
    """Standard error is a pipe that is full and that nobody reads: lines are dropped, steps are not."""
    cluster = Cluster(world, SHORT)
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while os.write(writer, bytes(4096)):
            pass
    except BlockingIOError:
        pass
    os.set_blocking(writer, True)
    world.fault("standard error is full")
    cluster.start_train(stderr=writer)
    os.close(writer)
    world.finally_do(lambda: os.close(reader))
    cluster.finish(within=30)


@scenario("closed-stderr")
def closed_stderr(world: World) -> None:
    """Whoever read standard error has gone: the run goes on."""
    cluster = Cluster(world, SHORT)
    reader, writer = os.pipe()
    cluster.start_train(stderr=writer)
    os.close(writer)
    cluster.wait_for_step(world.random.randrange(10, 1000))
    world.fault("the reader of standard error goes")
    os.close(reader)
    cluster.finish(within=30)


@scenario("no-streams")
def no_streams(world: World) -> Figures:
    """Started without standard streams at all: the model is right, and no file of the run became a stream."""
    cluster = Cluster(world, SHORT)
    world.fault("no standard input, output or error")
    shell = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"]
    process = cluster.start_train(prefix=shell)
    code = process.wait(within=60)
    _require_model(cluster)
    if code != 0:
        raise Broken(f"ended with {code}")
    return {"exit status": code}


@scenario("closed-stdout")
def closed_stdout(world: World) -> None:
    """Standard output is a pipe without a reader, or a full device: the model is written all the same, exit status 73 and why."""
    for index, kind in enumerate(["without a reader", "full"]):
        cluster = Cluster(world, SHORT, label=f"-{index}")
        world.fault(f"standard output: {kind}")
        if kind == "full":
            writer = os.open("/dev/full", os.O_WRONLY)
        else:
            reader, writer = os.pipe()
            os.close(reader)
        process = cluster.start_train(stdout=writer)
        os.close(writer)
        code = process.wait(within=60)
        _require_model(cluster)
        # Whoever waits for the last line must not take the end for a success; a person still finds the line.
        if code != 73 or cluster.reference.digest not in process.last_words():
            raise Broken(f"standard output {kind}: ended with {code}, last {process.last_words()}")


@scenario("few-descriptors")
def few_descriptors(world: World) -> Figures:
    """The coordinator has 80 file descriptors and 140 strangers take them all: its workers lose nothing, and come back after."""
    most = 80
    cluster = Cluster(world, SHORT, prefix=["prlimit", f"--nofile={most}:{most}"])
    cluster.start(workers=2)
    cluster.wait_for_step(100)
    strangers = let_in(world, cluster.address, "idle", count=140)
    # Without this nothing would be tested.
    world.wait_until("all descriptors are taken", lambda: procfs.open_files(cluster.coordinator.pid) == most, within=10)
    began, cpu = world.now, procfs.cpu_seconds(cluster.coordinator.pid)
    cluster.wait_for_progress(200)
    share = (procfs.cpu_seconds(cluster.coordinator.pid) - cpu) / (world.now - began)
    send_away(strangers)
    cluster.kill_worker(cluster.workers[0])
    cluster.add_worker()
    cluster.finish(clean=False)
    return {"coordinator's CPU": f"{share:.0%}"}


# What `train --workers 2` says that it may need.
NEED = 72


@scenario("too-few-descriptors")
def too_few_descriptors(world: World) -> Figures:
    """With fewer descriptors than it may need `train` refuses and says how many; with just so many it works, also when a worker dies."""
    cluster = Cluster(world, SHORT)
    for count in [*sorted(world.random.sample(range(4, NEED - 1), 3)), NEED - 1]:
        world.fault(f"{count} file descriptors")
        process = cluster.start_train(prefix=["prlimit", f"--nofile={count}:{count}"])
        # With a handful there may be none left to load the program with, or to say why.
        if process.wait(within=30) != 78 and count > 10 or count > 20 and str(NEED) not in process.last_words():
            raise Broken(f"with {count} descriptors it ended with {process.code}: {process.last_words()}")
    world.fault(f"{NEED} file descriptors")
    process = cluster.start_train(prefix=["prlimit", f"--nofile={NEED}:{NEED}"])
    most = 0

    def strike() -> None:
        nonlocal most
        victim = world.random.choice(process.children())
        world.fault(f"kill -9 {victim} at step {cluster.step()}")
        os.kill(victim, signal.SIGKILL)
        cluster.wait_for_progress(20)
        most = max(most, procfs.open_files(process.pid))

    cluster.at_random_steps(2, strike)
    cluster.finish()
    return {"descriptors in use": f"{most} of {NEED}"}


@scenario("descriptors-taken-away", limit=240)
def descriptors_taken_away(world: World) -> Figures:
    """A run has no descriptor left from some moment on, and a worker dies: it ends with a sentence or works on, and can be resumed."""
    cluster = Cluster(world, LONG)
    codes: list[int] = []
    for spare in range(4):
        process = cluster.start_train("--restartable")
        cluster.wait_for_step(cluster.step() + 100)
        most = procfs.open_files(process.pid) + spare
        world.fault(f"no more than {most} descriptors, {spare} more than in use, and a worker is killed")
        limit = world.start_command(f"prlimit-{spare}", ["prlimit", "--pid", str(process.pid), f"--nofile={most}:{most}"])
        if limit.wait(within=5) != 0:
            raise Broken(f"prlimit: {limit.last_words()}")
        os.kill(process.children()[0], signal.SIGKILL)
        world.sleep(1)
        process.send(signal.SIGTERM)
        codes.append(process.wait(within=20))
        # 143: stopped with a checkpoint; 73: without one; 69, 71, 75: it could not go on and said so.
        if codes[-1] not in (69, 71, 73, 75, 143) or not process.lines:
            raise Broken(f"with {spare} spare descriptors it ended with {codes[-1]}: {process.last_words()}")
        world.wait_until("its workers have gone", lambda: not world.strays(), within=10)
    cluster.start_train("--restartable")
    cluster.finish(clean=False)
    return {"exit status": codes}


@scenario("little-memory")
def little_memory(world: World) -> None:
    """A worker whose memory is limited dies or refuses; the others finish the run."""
    cluster = Cluster(world, SHORT)
    cluster.start(workers=2)
    cluster.wait_for_step(50)
    for limit in [40, 80, 120, 200]:
        world.fault(f"a worker with {limit} MiB of address space")
        worker = cluster.add_worker(prefix=["prlimit", f"--as={limit << 20}"])
        # However it ends, it ends alone.
        cluster.expect(worker, *range(-64, 128))
        world.sleep(0.3)
    cluster.finish()
