"""What surrounds one scenario: its folder, its random numbers, its clock, the log of its faults, and everything it has started.

Nothing that a scenario starts outlives its world. Not the judgement of what came of it: that is `oracle`.
"""

import os
import pathlib
import random
import signal
import sys
import threading
import time
from collections.abc import Callable

from . import procfs
from .job import References
from .process import Broken, Process

SAMPLING_INTERVAL = 0.2


class World:
    """One run of one scenario."""

    def __init__(
        self,
        *,
        program: pathlib.Path,
        data: pathlib.Path,
        references: References,
        folder: pathlib.Path,
        seed: str,
        limit: float,
        verbose: bool = False,
    ):
        self.program, self.data, self.references, self.folder = program, data, references, folder
        self.random = random.Random(seed)
        self.processes: list[Process] = []
        self.peak_bytes: dict[str, int] = {}
        self.faults = 0
        self.began = time.monotonic()
        self._deadline = self.began + limit
        self._verbose = verbose
        self._undo: list[Callable[[], None]] = []
        self._mark = f"SIAMESE_CHAOS={folder}"
        for name in ("home", "tmp"):
            (folder / name).mkdir(parents=True)
        self._events = (folder / "events.log").open("w")
        self._closing = threading.Event()
        self._sampler = threading.Thread(target=self._sample, daemon=True)
        self._sampler.start()

    # Time

    @property
    def now(self) -> float:
        """Seconds since the scenario began."""
        return time.monotonic() - self.began

    def left(self) -> float:
        """Seconds until the scenario is given up."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise Broken(f"not through within {self._deadline - self.began:g} s")
        return left

    def sleep(self, seconds: float) -> None:
        """Part of a fault's timing, never a way to wait for something."""
        time.sleep(min(seconds, self.left()))

    def wait_until(self, what: str, condition: Callable[[], bool], within: float = 30) -> None:
        """Waits for a state that nothing tells of."""
        deadline = time.monotonic() + within
        while not condition():
            self.left()
            if time.monotonic() >= deadline:
                raise Broken(f"not within {within:g} s: {what}")
            time.sleep(0.005)

    # What happens

    def note(self, text: str) -> None:
        """A line in events.log."""
        line = f"{self.now:9.3f}  {text}"
        self._events.write(line + "\n")
        self._events.flush()
        if self._verbose:
            print(f"    {line}", file=sys.stderr)

    def fault(self, text: str) -> None:
        """Notes a fault that is about to be injected."""
        self.faults += 1
        self.note(f"FAULT {text}")

    def finally_do(self, undo: Callable[[], None]) -> None:
        """Undone when the scenario ends, the last first."""
        self._undo.append(undo)

    # Processes

    def environment(self) -> dict[str, str]:
        """Ours, without what would lead the program to files outside of the folder, and with a mark to find strays by."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SIAMESE", "XDG_CACHE"))}
        name, _, value = self._mark.partition("=")
        return kept | {"HOME": str(self.folder / "home"), "TMPDIR": str(self.folder / "tmp"), name: value}

    def start(self, name: str, arguments: list[str], prefix: list[str] | None = None, **streams) -> Process:
        """Starts the program; `prefix` is a command that executes the rest of its line."""
        return self.start_command(name, [*(prefix or []), str(self.program), *arguments], **streams)

    def start_command(self, name: str, command: list[str], environment: dict[str, str] | None = None, **streams) -> Process:
        process = Process(name, command, self.environment() | (environment or {}), self.folder, **streams)
        self.processes.append(process)
        self.note(f"started {name}, pid {process.pid}")
        return process

    def strays(self) -> list[int]:
        """Processes of this world that are still there."""
        return procfs.marked(self._mark)

    def _sample(self) -> None:
        while not self._closing.wait(SAMPLING_INTERVAL):
            for process in list(self.processes):
                if process.is_running:
                    self._note_memory(process.name.partition("-")[0], process.pid)
                    for child in process.children():
                        self._note_memory("worker", child)

    def _note_memory(self, role: str, pid: int) -> None:
        self.peak_bytes[role] = max(self.peak_bytes.get(role, 0), procfs.resident_bytes(pid))

    def close(self) -> None:
        """Undoes what is left to undo, and kills what is left to kill."""
        if self._closing.is_set():
            return
        for undo in reversed(self._undo):
            try:
                undo()
            except Exception as error:  # the next ones must be undone all the same
                self.note(f"could not clean up: {error!r}")
        self._closing.set()
        self._sampler.join()
        strays = self.strays()
        for pid in strays:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        for process in self.processes:
            if process.is_running:
                process.kill()
            process.wait(within=10)
        # A killed process is there until the kernel has taken it apart. Its environment, and with it our mark, goes first: so
        # what is waited for are these processes, not the mark.
        deadline = time.monotonic() + 10
        while any(procfs.is_running(pid) for pid in strays) and time.monotonic() < deadline:
            time.sleep(0.005)
        self._events.close()
