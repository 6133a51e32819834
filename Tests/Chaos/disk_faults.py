"""Checkpoints that are damaged between two lives of a coordinator, and disks that are full."""

import os
import pathlib
import shutil
import signal
import subprocess

from . import oracle
from .cluster import Cluster
from .job import SHORT, Job
from .process import Broken
from .registry import Figures, scenario
from .world import World


def _flip(path: pathlib.Path, world: World) -> None:
    content = bytearray(path.read_bytes())
    content[world.random.randrange(len(content))] ^= 1 << world.random.randrange(8)
    path.write_bytes(content)


def _truncate(path: pathlib.Path, world: World) -> None:
    os.truncate(path, world.random.randrange(path.stat().st_size))


def _empty(path: pathlib.Path, world: World) -> None:
    os.truncate(path, 0)


def _remove(path: pathlib.Path, world: World) -> None:
    path.unlink()


def _lengthen(path: pathlib.Path, world: World) -> None:
    with path.open("ab") as file:
        file.write(world.random.randbytes(world.random.randrange(1, 5000)))


def _zero_page(path: pathlib.Path, world: World) -> None:
    """A page that never reached the disk."""
    content = bytearray(path.read_bytes())
    start = world.random.randrange(len(content)) // 4096 * 4096
    before = bytes(content)
    content[start : start + 4096] = bytes(len(content[start : start + 4096]))
    if bytes(content) == before:
        content[-1] ^= 0xFF
    path.write_bytes(content)


DAMAGES = [_flip, _truncate, _empty, _remove, _lengthen, _zero_page]


@scenario("checkpoint-damage")
def checkpoint_damage(world: World) -> None:
    """Between kills of the coordinator its checkpoint is damaged in every way: it goes on from the previous one."""
    cluster = Cluster(world, SHORT)
    cluster.start(workers=2)
    for index, damage in enumerate(world.random.sample(DAMAGES, len(DAMAGES))):
        cluster.wait_for_step(200 * (index + 1))
        _kill_with_two_checkpoints(cluster)
        path = cluster.file("checkpoint.safetensors")
        if path.exists():
            world.fault(f"{damage.__name__.strip('_')} of the checkpoint")
            damage(path, world)
        else:
            world.note("the kill came between the two renames of a checkpoint")
        coordinator = cluster.restart_coordinator()
        coordinator.wait_for_line("resuming after step", within=10)
        if not coordinator.find("going on from"):
            raise Broken(f"no word on the damaged checkpoint: {coordinator.errors}")
    cluster.finish()


def _kill_with_two_checkpoints(cluster: Cluster) -> None:
    previous = cluster.file("checkpoint.previous.safetensors")
    cluster.world.wait_until("two checkpoints", previous.exists)
    cluster.kill_coordinator()
    cluster.coordinator.wait(within=5)


@scenario("checkpoint-swap")
def checkpoint_swap(world: World) -> None:
    """The two checkpoints change places, the older one replaces both: whichever it finds, the run ends in the same bits."""
    cluster = Cluster(world, SHORT)
    cluster.start(workers=2)
    for index, kind in enumerate(world.random.sample(["swapped", "older in both places", "only the previous one"], 3)):
        cluster.wait_for_step(300 * (index + 1))
        _kill_with_two_checkpoints(cluster)
        world.fault(f"checkpoints {kind}")
        present, previous = (cluster.file(f"checkpoint{name}.safetensors") for name in ("", ".previous"))
        if not present.exists():
            world.note("the kill came between the two renames of a checkpoint")
            shutil.copy(previous, present)
        if kind == "swapped":
            aside = present.with_suffix(".aside")
            present.rename(aside)
            previous.rename(present)
            aside.rename(previous)
        elif kind == "older in both places":
            shutil.copy(previous, present)
        else:
            present.unlink()
        cluster.restart_coordinator()
    cluster.finish()


@scenario("checkpoints-lost", quick=True)
def checkpoints_lost(world: World) -> None:
    """Both checkpoints are damaged: --resume is refused with 65 and changes nothing; a run from the beginning has the same bits."""
    cluster = Cluster(world, SHORT)
    cluster.start(workers=2)
    cluster.wait_for_step(400)
    _kill_with_two_checkpoints(cluster)
    for kind in ("", ".previous"):
        damage = world.random.choice([each for each in DAMAGES if each is not _remove])
        path = cluster.file(f"checkpoint{kind}.safetensors")
        if path.exists():
            world.fault(f"{damage.__name__.strip('_')} of checkpoint{kind}")
            damage(path, world)
        else:
            world.note("the kill came between the two renames of a checkpoint")
    before = {path.name: path.read_bytes() for path in cluster.output.iterdir()}
    arguments = ["coordinator", *SHORT.arguments(world.data, cluster.output), "--listen", cluster.address, "--resume"]
    refused = world.start("refused", arguments)
    if refused.wait(within=20) != 65 or refused.output:
        raise Broken(f"without a whole checkpoint --resume ended with {refused.code}: {refused.last_words()}")
    if before != {path.name: path.read_bytes() for path in cluster.output.iterdir()}:
        raise Broken("a refused --resume has changed the folder")
    cluster.start_coordinator()
    cluster.finish()


@scenario("file-size-limit")
def file_size_limit(world: World) -> None:
    """No file may grow to a checkpoint's size: the run warns, goes on to its last step and ends with 73; without the limit, same bits."""
    cluster = Cluster(world, SHORT)
    world.fault("no file may grow beyond 300,000 bytes; a checkpoint has 430,000")
    limited = cluster.start_train(prefix=["prlimit", "--fsize=300000:300000"])
    code = limited.wait(within=60)
    if code != 73 or not limited.find("WARNING: no checkpoint") or not limited.find(f"step {SHORT.steps}/"):
        raise Broken(f"it ended with {code}, not with 73 after its last step and a warning: {limited.last_words()}")
    cluster.start_train()
    cluster.finish()


# Some seconds of two workers: more than the disk stays full.
AWHILE = Job(steps=3000)


def _cluster_on_small_disk(world: World, job: Job) -> Cluster:
    """Two workers at step 300; the output folder is a disk with room for all files of a run and little more."""
    cluster = Cluster(world, job)
    cluster.output.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "chaos", str(cluster.output)], check=True)
    world.finally_do(lambda: subprocess.run(["umount", "-l", str(cluster.output)], check=False))
    cluster.start(workers=2)
    cluster.wait_for_step(300)
    return cluster


@scenario("full-disk", needs_root=True)
def full_disk(world: World) -> Figures:
    """The output folder's disk is full for a while: training goes on with loud warnings that count every lost line of metrics."""
    cluster = _cluster_on_small_disk(world, AWHILE)
    filler = cluster.output / "filler"
    world.fault(f"the disk fills at step {cluster.step()}")
    _keep_full(world, filler, 1.5)
    if not cluster.coordinator.is_running:
        raise Broken(f"a full disk ended the run with {cluster.coordinator.code}: {cluster.coordinator.last_words()}")
    filler.unlink()
    world.note("there is room again")
    cluster.finish(may_lose_lines=True)
    for warning in ["WARNING: no checkpoint of step ", "WARNING: metrics.jsonl has lost ", "checkpoints can be written again"]:
        if not cluster.coordinator.find(warning):
            raise Broken(f"no word of '{warning}': {cluster.coordinator.errors}")
    return {"lines lost": " + ".join(map(str, oracle.lines_lost(cluster.coordinator.errors)))}


def _keep_full(world: World, path: pathlib.Path, seconds: float) -> None:
    """Fills the disk, and again whatever becomes free: a checkpoint that failed half-way makes room.

    By time: without a checkpoint or a line of metrics there is no other progress to see.
    """
    end = world.now + seconds
    while True:
        _fill(path)
        if world.now >= end:
            return
        world.sleep(0.01)


def _fill(path: pathlib.Path) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    try:
        while os.write(descriptor, bytes(4096)):
            pass
    except OSError:
        pass
    finally:
        os.close(descriptor)


@scenario("full-disk-then-kill", needs_root=True)
def full_disk_then_kill(world: World) -> None:
    """kill -9 while the disk is full: --resume finds a whole checkpoint from before, and the same bits.

    No line of metrics is missing in the end: all since that checkpoint are written anew.
    """
    cluster = _cluster_on_small_disk(world, SHORT)
    filler = cluster.output / "filler"
    world.fault(f"the disk fills at step {cluster.step()}")
    _keep_full(world, filler, world.random.uniform(0, 0.5))
    cluster.kill_coordinator()
    if cluster.coordinator.wait(within=5) != -signal.SIGKILL:
        raise Broken(f"a full disk ended the run with {cluster.coordinator.code}: {cluster.coordinator.last_words()}")
    filler.unlink()
    if not cluster.has_checkpoint:
        raise Broken("no checkpoint is left")
    cluster.restart_coordinator()
    cluster.finish()
