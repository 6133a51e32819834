"""Surroundings that are not as they should be: closed or clogged output, few file descriptors.

No scenario turns the wall clock: only the monotonic clock decides anything (Sources/Messaging/MonotonicClock.swift), and a test
with real processes could not turn it for one process alone.
"""

import os

from .cluster import Cluster
from .job import SHORT
from .process import Broken
from .registry import Figures, scenario
from . import oracle, procfs
from .stranger_faults import let_in, send_away
from .world import World


def _train(world: World) -> tuple[Cluster, list[str]]:
    cluster = Cluster(world, SHORT)
    return cluster, ["train", *SHORT.arguments(world.data, cluster.output), "--workers", "2"]


def _require_model(cluster: Cluster) -> None:
    """The result of a run whose last line nobody could read."""
    digest = cluster.reference.digest
    line = f"model {cluster.file('model.safetensors')} sha256 {digest}"
    oracle.require_same_result(cluster.job, line, cluster.output, cluster.reference)
    oracle.require_nothing_left(cluster.world)


@scenario("clogged-stderr", quick=True)
def clogged_stderr(world: World) -> None:
    """Standard error is a pipe that is full and that nobody reads: lines are dropped, steps are not."""
    cluster, arguments = _train(world)
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while os.write(writer, bytes(4096)):
            pass
    except BlockingIOError:
        pass
    os.set_blocking(writer, True)
    world.fault("standard error is full")
    cluster.coordinators.append(world.start("train-1", arguments, stderr=writer))
    os.close(writer)
    world.finally_do(lambda: os.close(reader))
    cluster.finish(within=30)


@scenario("closed-stderr")
def closed_stderr(world: World) -> None:
    """Whoever read standard error has gone: the run goes on."""
    cluster, arguments = _train(world)
    reader, writer = os.pipe()
    cluster.coordinators.append(world.start("train-1", arguments, stderr=writer))
    os.close(writer)
    cluster.wait_for_step(world.random.randrange(10, 1000))
    world.fault("the reader of standard error goes")
    os.close(reader)
    cluster.finish(within=30)


@scenario("no-streams")
def no_streams(world: World) -> Figures:
    """Started without standard streams at all: the model is right, and no file of the run became a stream."""
    cluster, arguments = _train(world)
    world.fault("no standard input, output or error")
    shell = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"]
    process = world.start("train-1", arguments, prefix=shell)
    code = process.wait(within=60)
    _require_model(cluster)
    if code not in (0, 73, 74):
        raise Broken(f"ended with {code}")
    return {"exit status": code}


@scenario("closed-stdout")
def closed_stdout(world: World) -> Figures:
    """Standard output is closed, or a pipe without a reader, or a full device: the model is written all the same."""
    codes = []
    for index, kind in enumerate(["without a reader", "full"]):
        cluster, arguments = _train(world)
        cluster.output = world.folder / f"output-{index}"
        arguments = ["train", *SHORT.arguments(world.data, cluster.output), "--workers", "2"]
        world.fault(f"standard output: {kind}")
        if kind == "full":
            writer = os.open("/dev/full", os.O_WRONLY)
        else:
            reader, writer = os.pipe()
            os.close(reader)
        process = world.start(f"train-{index}", arguments, stdout=writer)
        os.close(writer)
        codes.append(process.wait(within=60))
        _require_model(cluster)
    return {"exit status": codes}


@scenario("few-descriptors")
def few_descriptors(world: World) -> Figures:
    """The coordinator has 80 file descriptors and 140 strangers take them all: its workers lose nothing, and come back after."""
    cluster = Cluster(world, SHORT, prefix=["prlimit", "--nofile=80:80"])
    cluster.start(workers=2)
    cluster.wait_for_step(100)
    strangers = let_in(world, cluster.address, "idle", count=140)
    world.sleep(0.5)
    taken = procfs.open_files(cluster.coordinator.pid)
    began, cpu = world.now, procfs.cpu_seconds(cluster.coordinator.pid)
    cluster.wait_for_progress(200)
    share = (procfs.cpu_seconds(cluster.coordinator.pid) - cpu) / (world.now - began)
    send_away(strangers)
    cluster.kill_worker(cluster.workers[0])
    cluster.add_worker()
    cluster.finish(clean=False)
    return {"descriptors in use": taken, "coordinator's CPU": f"{share:.0%}"}


@scenario("too-few-descriptors")
def too_few_descriptors(world: World) -> Figures:
    """With 3 to 30 file descriptors a program refuses, or works; it neither crashes nor hangs."""
    cluster, arguments = _train(world)
    codes = {}
    for count in sorted(world.random.sample(range(4, 31), 5)):
        world.fault(f"{count} file descriptors")
        process = world.start(f"train-{count}", arguments, prefix=["prlimit", f"--nofile={count}:{count}"])
        code = process.wait(within=30)
        codes[count] = code
        if code == 0:
            _require_model(cluster)
        elif code < 0 or code == 70:
            raise Broken(f"with {count} descriptors it ended with {code}: {process.last_words()}")
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
