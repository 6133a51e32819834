"""What must be true after any fault: the bits of the fault-free run, every step committed once and in order, nothing left behind,
memory within bounds. Judges what is there; changes and starts nothing."""

import hashlib
import json
import pathlib
import re

from .job import Job, Result, digest_in, read_losses
from .process import Broken
from .world import World

# An idle run of these jobs has a peak of 40 to 70 MB in each process, most of it the program and the dataset.
MOST_BYTES = {"coordinator": 250 << 20, "worker": 160 << 20, "train": 250 << 20, "relay": 160 << 20}

# All that a run may leave in its output folder, after the job's prefix.
FILES = {
    *("checkpoint.safetensors", "checkpoint.previous.safetensors", "metrics.jsonl", "model.safetensors", "run.json"),
    *("stats.png", "testing-set-embedding.png", "training-set-embedding.png"),
}


def require_same_result(job: Job, said: str, output: pathlib.Path, reference: Result, lost: tuple[int, ...] = ()) -> None:
    """The digest that was printed, that of the file, and every loss of metrics.jsonl are those of the fault-free run.

    `lost`: as in `require_same_losses`.
    """
    digest = digest_in(said)
    if digest != reference.digest:
        raise Broken(f"the digest is {digest}, without faults it is {reference.digest}")
    model = output / f"{job.prefix}model.safetensors"
    written = hashlib.sha256(model.read_bytes()).hexdigest()
    if written != digest:
        raise Broken(f"{model} has the digest {written}, the last line says {digest}")
    require_same_losses(read_losses(output / f"{job.prefix}metrics.jsonl"), reference.losses, lost)
    totals = json.loads((output / f"{job.prefix}run.json").read_text())
    if (totals.get("steps"), totals.get("model_sha256")) != (job.steps, digest):
        raise Broken(f"run.json counts {totals.get('steps')} of {job.steps} steps, digest {totals.get('model_sha256')}")


def require_same_losses(losses: tuple, reference: tuple, lost: tuple[int, ...] = ()) -> None:
    """No gap, no repeat, no other value.

    `lost`: so many lines the run itself says that it could not write, one number for each time; there must be exactly these gaps.
    """
    gaps, next_index = [], 0
    for number, line in enumerate(losses, 1):
        wanted = reference[next_index] if next_index < len(reference) else "nothing more"
        if line != wanted:
            if not lost or line not in reference[next_index:]:
                raise Broken(f"metrics.jsonl, line {number}: {line}, without faults {wanted}")
            gaps.append(reference.index(line, next_index) - next_index)
            next_index += gaps[-1]
        next_index += 1
    if next_index < len(reference):
        if not lost:
            raise Broken(f"metrics.jsonl has {len(losses)} lines, without faults {len(reference)}")
        gaps.append(len(reference) - next_index)
    if gaps != list(lost):
        raise Broken(f"metrics.jsonl has gaps of {gaps} lines, the run says that it has lost {list(lost)}")


def lines_lost(said: str) -> tuple[int, ...]:
    """How many lines of metrics.jsonl a run has lost each time that it could not write them, as it says when it can again."""
    return tuple(int(count) for count in re.findall(r"metrics\.jsonl can be written again, without (\d+) lines? ", said))


def require_clean_output(job: Job, output: pathlib.Path) -> None:
    """Nothing but the files of a run; its lock is a hidden file."""
    names = {path.name for path in output.iterdir() if not path.name.startswith(".")}
    strangers = sorted(names - {job.prefix + name for name in FILES})
    if strangers:
        raise Broken(f"left behind in the output folder: {', '.join(strangers)}")


def require_nothing_left(world: World) -> None:
    """No process of this scenario, no file in its TMPDIR."""
    strays = [pid for pid in world.strays() if pid not in {helper.pid for helper in world.processes if helper.is_running}]
    if strays:
        raise Broken(f"processes left behind: {strays}")
    files = sorted(str(path.relative_to(world.folder)) for path in (world.folder / "tmp").rglob("*"))
    if files:
        raise Broken(f"files left behind: {', '.join(files)}")


def require_bounded_memory(world: World) -> None:
    """The peak of each kind of process, as sampled."""
    for role, most in MOST_BYTES.items():
        peak = world.peak_bytes.get(role, 0)
        if peak > most:
            raise Broken(f"a {role} had {peak >> 20} MiB resident; the bound is {most >> 20} MiB")
