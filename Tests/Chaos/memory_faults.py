"""Memory that loses bits: random bits of a worker's writable memory are flipped while it computes (through /proc/PID/mem).

It may compute wrongly, crash, hang, babble or not notice. Not the coordinator's memory: docs/faults.md, 17.
"""

import contextlib
import os
import signal
import struct

from .cluster import Cluster
from .job import Job
from .process import Process
from .registry import Figures, scenario
from .world import World

AUDITED = Job(batch=96, steps=2500, checkpoint_interval=50)
PAGE = os.sysconf("SC_PAGE_SIZE")
# How long one worker is struck before it is replaced whatever became of it, and how often.
STRIKES, PAUSE = 40, 0.03
# A coordinator of whose three opinions each is another one stops in the last undoubted state, with this.
UNDECIDED = 70
# Swift's own helper would look at each crash for seconds, and outlive a worker that is killed meanwhile.
PREFIX = ["env", "SWIFT_BACKTRACE=enable=no"]


def present_pages(pid: int) -> list[int]:
    """The addresses of the pages that a process may write to, that no file is behind, and that are in memory."""
    found = []
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/pagemap", "rb", buffering=0) as pagemap:
        for line in maps:
            span, modes, _, _, inode, *name = line.split()
            if not modes.startswith("rw") or inode != "0" or name[:1] == ["[vvar]"]:
                continue
            first, end = (int(address, 16) // PAGE for address in span.split("-"))
            pagemap.seek(first * 8)
            entries = pagemap.read((end - first) * 8)
            bits = struct.unpack(f"<{len(entries) // 8}Q", entries)
            found += [(first + index) * PAGE for index, entry in enumerate(bits) if entry >> 63]
    return found


def flip(pid: int, address: int, bit: int) -> None:
    memory = os.open(f"/proc/{pid}/mem", os.O_RDWR)
    try:
        byte = os.pread(memory, 1, address)[0]
        os.pwrite(memory, bytes([byte ^ 1 << bit]), address)
    finally:
        os.close(memory)


def _strike(world: World, victim: Process, count: int) -> int:
    """Flips so many bits, fewer if the process ends meanwhile; returns how many."""
    done = 0
    # The process, or the page, may be gone at any moment.
    with contextlib.suppress(OSError, IndexError):
        pages = present_pages(victim.pid)
        for _ in range(count):
            flip(victim.pid, world.random.choice(pages) + world.random.randrange(PAGE), world.random.randrange(8))
            done += 1
    return done


@scenario("bit-flips", needs_root=True, limit=420)
def bit_flips(world: World) -> Figures:
    """Bits flip in the memory of one of three workers, with --audit 1, until it ends or is replaced: the digest is the fault-free one."""
    cluster = Cluster(world, AUDITED)
    cluster.start_coordinator("--audit", "1", expected=3)
    for _ in range(3):
        cluster.add_worker(prefix=PREFIX)
    cluster.wait_for_step(20)
    flips = stopped = 0
    endings: list[int | None] = []
    while cluster.step() < AUDITED.steps * 9 // 10:
        if not cluster.coordinator.is_running and cluster.coordinator.code == UNDECIDED:
            stopped += 1
            world.note(f"undecided: {cluster.coordinator.last_words()}")
            cluster.restart_coordinator("--audit", "1")
        victim = world.random.choice(cluster.live_workers())
        cluster.expect(victim, *range(-64, 128))
        # One bit, or a bad page.
        count = world.random.choice([1, 3, 10, 100])
        world.fault(f"bits flip in {victim.name}, {count} at a time, at step {cluster.step()}")
        for _ in range(STRIKES):
            flips += _strike(world, victim, count)
            world.sleep(PAUSE)
            if not victim.is_running or not cluster.coordinator.is_running:
                break
        endings.append(victim.code)
        world.note(f"{victim.name}: {'runs on' if victim.code is None else f'ended with {victim.code}'}")
        if victim.is_running:
            victim.kill()
        if cluster.coordinator.is_running:
            cluster.add_worker(prefix=PREFIX)
    for worker in cluster.live_workers():
        # One that was struck may have forgotten how to end.
        cluster.expect(worker, 69, 75)
    cluster.finish()
    sentences = [line for each in cluster.coordinators for _, line in each.lines]
    return {
        "flips": flips,
        "struck": len(endings),
        "crashes": sum(code is not None and code < 0 and code != -signal.SIGKILL for code in endings),
        "quarantined": sum("computes wrongly" in line for line in sentences),
        "other endings": sum(code is not None and code >= 0 for code in endings),
        "undecided": stopped,
    }
