"""A million steps: what leaks, counts wrongly or slows down only after hours would show in a run of so many."""

import dataclasses
import re
import urllib.request

from . import procfs
from .cluster import Cluster
from .job import Job
from .process import Broken
from .registry import Figures, scenario
from .world import World

# One image per step: nearly all the time goes into what surrounds the arithmetic.
MILLION = Job(network="embedding-classification", batch=1, steps=10**6, log_interval=1000, checkpoint_interval=100_000)
WARM_UP = MILLION.steps // 10
# Seconds.
SAMPLING_INTERVAL = 2.0
# From the first half after the warm-up to the second, in a process: less than three bytes a step.
MOST_GROWTH = 1 << 20


@dataclasses.dataclass(frozen=True)
class Sample:
    """One process at one moment."""

    step: int
    seconds: float
    resident_bytes: int
    open_files: int


@scenario("measure-million-steps", measures=True, limit=3000)
def measure_million_steps(world: World) -> Figures:
    """A million steps of one image with two workers over ipc: the same bits, counters right, memory and open files flat."""
    cluster = Cluster(world, MILLION)
    train = cluster.start_train("--metrics-port", "0")
    _, line = train.wait_for_line("metrics on ", within=20)
    cluster.wait_for_step(1000)
    processes = {"coordinator": train.pid} | {f"worker {index}": pid for index, pid in enumerate(train.children(), 1)}
    samples: dict[str, list[Sample]] = {name: [] for name in processes}
    while train.is_running and cluster.step() < MILLION.steps:
        if text := _metrics(line.partition("metrics on ")[2]):
            require_right_counters(text)
        for name, pid in processes.items():
            sample = Sample(cluster.step(), world.now, procfs.resident_bytes(pid), procfs.open_files(pid))
            if sample.resident_bytes:
                samples[name].append(sample)
        world.sleep(SAMPLING_INTERVAL)
    cluster.finish()
    figures: Figures = {}
    for name, taken in samples.items():
        figures |= require_flat(name, taken)
    return figures | _speeds(samples["coordinator"])


def _metrics(address: str) -> str:
    """What the run says of itself; nothing once it is over."""
    try:
        with urllib.request.urlopen(address, timeout=5) as response:
            return response.read().decode()
    except OSError:
        return ""


def require_right_counters(text: str) -> None:
    """Every step has one answer of one worker; at most two are on their way, or were asked for twice."""
    steps = _sum(text, "siamese_step_total")
    answers, late = _sum(text, "siamese_worker_shards_total"), _sum(text, "siamese_worker_late_leases_total")
    if not steps <= answers <= steps + late + 2 or _sum(text, "siamese_worker_images_total") != answers:
        raise Broken(f"counters that cannot be: {steps} steps, {answers} answers, {late} of them late: {text}")


def _sum(text: str, name: str) -> int:
    return sum(int(float(value)) for value in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE))


def require_flat(name: str, taken: list[Sample]) -> Figures:
    warm = [sample for sample in taken if sample.step >= WARM_UP]
    middle = (WARM_UP + MILLION.steps) // 2
    halves = [sample for sample in warm if sample.step < middle], [sample for sample in warm if sample.step >= middle]
    if min(map(len, halves)) < 10:
        raise Broken(f"{name}: too few samples to judge by: {list(map(len, halves))}")
    memory = [max(sample.resident_bytes for sample in half) for half in halves]
    # A checkpoint that is being written has a file open: what stays open is in the least of all.
    files = [min(sample.open_files for sample in half) for half in halves]
    if memory[1] - memory[0] > MOST_GROWTH or files[1] > files[0]:
        raise Broken(f"{name} grows: resident bytes {memory}, open files {files} in the two halves after the warm-up")
    growth = (memory[1] - memory[0]) / 1024
    return {name: f"{memory[1] / 1e6:.1f} MB ({growth:+.0f} KiB from half to half), {files[1]} files"}


def _speeds(taken: list[Sample]) -> Figures:
    """Steps per second in the first and the last tenth."""
    tenths = [[each for each in taken if lowest <= each.step < lowest + WARM_UP] for lowest in (WARM_UP, MILLION.steps - WARM_UP)]
    speeds = [(tenth[-1].step - tenth[0].step) / (tenth[-1].seconds - tenth[0].seconds) for tenth in tenths if len(tenth) > 1]
    return {"steps/s, early and late": " and ".join(f"{speed:.0f}" for speed in speeds)}
