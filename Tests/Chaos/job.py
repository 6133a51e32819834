"""What a run trains, and what must come of it: the results of the fault-free run in one process, made once per job."""

import dataclasses
import hashlib
import json
import pathlib
import subprocess

from .process import Broken

DATASET = "FashionMNIST"


@dataclasses.dataclass(frozen=True)
class Job:
    """The part of a command line that enters the result, and how often metrics and checkpoints are written."""

    network: str = "siamese-contrastive"
    batch: int = 64
    steps: int = 1500
    architecture: str = "seed"
    log_interval: int = 5
    checkpoint_interval: int = 50

    def arguments(self, data: pathlib.Path, output: pathlib.Path) -> list[str]:
        return [
            *(self.network, DATASET, "--data", str(data), "--output", str(output)),
            *("--batch-size", str(self.batch), "--epochs", "100000", "--max-steps", str(self.steps)),
            *("--architecture", self.architecture, "--log-interval", str(self.log_interval)),
            *("--checkpoint-interval", str(self.checkpoint_interval)),
        ]

    @property
    def prefix(self) -> str:
        """How the names of the run's files begin."""
        return f"{self.network}-{DATASET}-"


# About two, twelve and thirty seconds of two workers on two quiet cores.
SHORT = Job()
LONG = Job(batch=256, steps=3000)
# Two rounds a step: workers are killed within them and between.
TWO_ROUNDS = Job(network="online-triplet", steps=1000)
OTHER_TWO_ROUNDS = Job(network="nt-xent", steps=600)
LONGEST = Job(batch=256, steps=8000)


# Seconds.
LONGEST_REFERENCE = 1800


@dataclasses.dataclass(frozen=True)
class Result:
    """What two runs of one job have in common to the last bit."""

    digest: str
    losses: tuple[tuple[int, int, str, float], ...]


def digest_in(output: str) -> str:
    """The digest of the last line on standard output: `model PATH sha256 HEX`."""
    words = output.strip().rpartition("\n")[2].split(" ")
    if len(words) < 4 or words[0] != "model" or words[-2] != "sha256" or len(words[-1]) != 64:
        raise Broken(f"the last line is not `model … sha256 HEX`: {output!r}")
    return words[-1]


def read_losses(path: pathlib.Path) -> tuple[tuple[int, int, str, float], ...]:
    """Step, epoch, split and loss of every whole line of metrics.jsonl."""
    lines = path.read_text().split("\n")[:-1]
    try:
        rows = [json.loads(line) for line in lines]
        return tuple((row["step"], row["epoch"], row["split"], row["loss"]) for row in rows)
    except (ValueError, KeyError) as error:
        raise Broken(f"{path} has a line that is no line of metrics: {error!r}") from error


class References:
    """Runs `train --workers 0` once per job, and keeps the results in a folder."""

    def __init__(self, program: pathlib.Path, data: pathlib.Path, folder: pathlib.Path):
        self._program, self._data, self._folder = program, data, folder
        self._known: dict[Job, Result] = {}
        self._build = hashlib.sha256(program.read_bytes()).hexdigest()[:16]

    def of(self, job: Job) -> Result:
        if job not in self._known:
            self._known[job] = self._load(job)
        return self._known[job]

    def _load(self, job: Job) -> Result:
        name = hashlib.sha256(repr((self._build, job)).encode()).hexdigest()[:16]
        output = self._folder / name
        finished = output / "stdout"
        if not finished.exists():
            command = [str(self._program), "train", *job.arguments(self._data, output), "--workers", "0"]
            done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST_REFERENCE, check=False)
            if done.returncode != 0:
                raise Broken(f"the fault-free run ended with {done.returncode}: {done.stderr[-500:]}")
            finished.write_text(done.stdout)
        return Result(digest_in(finished.read_text()), read_losses(output / f"{job.prefix}metrics.jsonl"))
