"""Who is compared in which cases: ours by workers and threads, PyTorch by processes, threads and compilation.

Names here are what measurements, tables and plots call a contestant. Standard library only.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Case:
    """One training task that all contestants are given; `batch` counts examples (a pair or a triplet is one)."""

    network: str
    architecture: str
    batch: int

    def __str__(self):
        return f"{self.network}, {self.architecture}, batch {self.batch}"


@dataclasses.dataclass(frozen=True)
class Ours:
    workers: int
    threads: int = 1

    @property
    def name(self):
        threads = f" --threads {self.threads}" if self.threads > 1 else ""
        return f"ours, --workers {self.workers}{threads}"

    @property
    def cores(self):
        return max(1, self.workers) * self.threads


@dataclasses.dataclass(frozen=True)
class PyTorch:
    name: str
    processes: int
    threads: int
    compiled: bool = False

    @property
    def cores(self):
        return self.processes * self.threads


TWO_WORKERS, ONE_WORKER, IN_PROCESS, TWO_THREADS = Ours(2), Ours(1), Ours(0), Ours(0, 2)
OURS = (TWO_WORKERS, ONE_WORKER, IN_PROCESS, TWO_THREADS)
DDP = PyTorch("PyTorch DDP gloo, 2 processes", 2, 1)
EAGER_TWO = PyTorch("PyTorch eager, 2 threads", 1, 2)
EAGER_ONE = PyTorch("PyTorch eager, 1 thread", 1, 1)
COMPILED = PyTorch("PyTorch compiled, 2 threads", 1, 2, compiled=True)
# It starts from the settings that COMPILED found, so it comes after it.
DDP_COMPILED = PyTorch("PyTorch DDP gloo, compiled", 2, 1, compiled=True)
PYTORCH = (DDP, EAGER_TWO, EAGER_ONE, COMPILED, DDP_COMPILED)
ALL = {contestant.name: contestant for contestant in (*OURS, *PYTORCH)}
