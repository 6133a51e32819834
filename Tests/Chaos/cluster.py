"""A coordinator, relays and workers as processes over tcp on this machine: starts, restarts, watches and ends them.

Not the faults: those are the scenarios'.
"""

import dataclasses
import json
import pathlib
import signal
import time
from collections.abc import Callable

from . import oracle
from .job import Job
from .keys import Keys
from .process import Broken, Process
from .world import World

# Ways for a worker to end that need no fault: sent home.
SENT_HOME = {0}


def address_in(line: str) -> str:
    """The address in `listening on ADDRESS: connect with …`."""
    return line.split("listening on ")[1].split(":  ")[0].split(": ")[0]


@dataclasses.dataclass
class RelayPlace:
    """Where a relay is: workers find whichever process is there."""

    name: str
    above: "RelayPlace | None"
    keys: Keys | None
    address: str = "tcp://127.0.0.1:0"
    processes: list[Process] = dataclasses.field(default_factory=list)

    @property
    def process(self) -> Process:
        return self.processes[-1]


class Cluster:
    """One run of one job, over as many coordinators and workers as it takes."""

    def __init__(
        self,
        world: World,
        job: Job,
        *,
        listen: str = "tcp://127.0.0.1:0",
        prefix: list[str] | None = None,
        keyed: bool = False,
        label: str = "",
    ):
        """`prefix`: a command that runs the coordinator, in another network namespace for instance. `label` tells several clusters
        of one world apart."""
        self.world, self.job = world, job
        self.reference = world.references.of(job)
        self.label = label
        self.output = world.folder / f"output{label}"
        self.keys = self.make_keys("keys") if keyed else None
        self.relays: list[RelayPlace] = []
        self.listen = listen
        self.address = ""
        self.workers: list[Process] = []
        self.coordinators: list[Process] = []
        self._endings: dict[Process, set[int]] = {}
        self._prefix = prefix or []

    # The coordinator

    @property
    def coordinator(self) -> Process:
        return self.coordinators[-1]

    def start_coordinator(self, *options: str, resume: bool = False, expected: int = 1, **streams) -> Process:
        """Starts it, on the address of the one before if there was one, and waits until it listens."""
        arguments = ["coordinator", *self.job.arguments(self.world.data, self.output), "--listen", self.listen]
        arguments += ["--workers", str(expected), *(["--resume"] if resume else []), *options]
        arguments += self.keys.to_listen() if self.keys else []
        name = f"coordinator-{len(self.coordinators) + 1}{self.label}"
        process = self.world.start(name, arguments, self._prefix, **streams)
        self.coordinators.append(process)
        if "stderr" not in streams:
            _, line = process.wait_for_line("listening on ", within=20)
            self.address = self.listen = address_in(line)
        return process

    def start_train(self, *options: str, workers: int = 2, prefix: list[str] | None = None, **streams) -> Process:
        """Starts `train` in the coordinator's place: everybody in one command."""
        arguments = ["train", *self.job.arguments(self.world.data, self.output), "--workers", str(workers), *options]
        name = f"train-{len(self.coordinators) + 1}{self.label}"
        self.coordinators.append(self.world.start(name, arguments, prefix, **streams))
        return self.coordinator

    @property
    def resumption(self) -> list[str]:
        """The option that goes on where there is something to go on from."""
        return ["--resume"] if self.has_checkpoint else []

    def restart_coordinator(self, *options: str, within: float = 20) -> Process:
        """After a kill: goes on from the checkpoint, or anew when there was none yet."""
        self.coordinator.wait(within)
        return self.start_coordinator(*options, resume=self.has_checkpoint)

    def kill_coordinator(self) -> None:
        self.world.fault(f"kill -9 {self.coordinator.name} at step {self.step()}")
        self.expect(self.coordinator, -signal.SIGKILL)
        self.coordinator.kill()

    @property
    def has_checkpoint(self) -> bool:
        return any(self.file(f"checkpoint{kind}.safetensors").exists() for kind in ("", ".previous"))

    def file(self, name: str) -> pathlib.Path:
        return self.output / (self.job.prefix + name)

    # Workers

    def add_worker(
        self,
        *options: str,
        address: str | None = None,
        relay: RelayPlace | None = None,
        prefix: list[str] | None = None,
        **streams,
    ) -> Process:
        """A worker of the coordinator, or of a relay; `address`: by another way."""
        name = f"worker-{len(self.workers) + 1}"
        keys = relay.keys if relay else self.keys
        arguments = ["worker", "--connect", address or (relay.address if relay else self.address), "--name", name]
        arguments += ["--patience", "60", *(keys.to_connect(name) if keys else []), *options]
        worker = self.world.start(name + self.label, arguments, prefix, **streams)
        self.workers.append(worker)
        return worker

    # Relays

    def make_keys(self, name: str) -> Keys:
        return Keys(self.world, self.world.folder / f"{name}{self.label}")

    def add_relay(self, above: RelayPlace | None = None) -> RelayPlace:
        """A relay under the coordinator or another relay; with keys of its own for its workers where the cluster has keys."""
        name = f"relay-{len(self.relays) + 1}"
        place = RelayPlace(name, above, self.make_keys(f"keys-{name}") if self.keys else None)
        self.relays.append(place)
        self.start_relay(place)
        return place

    def start_relay(self, place: RelayPlace) -> Process:
        """Starts it, where it was if it was there before, and waits until it listens."""
        above = place.above.address if place.above else self.address
        keys = place.above.keys if place.above else self.keys
        arguments = ["relay", "--connect", above, "--listen", place.address, "--name", place.name, "--patience", "60"]
        arguments += keys.to_connect(place.name) if keys else []
        arguments += place.keys.to_listen() if place.keys else []
        process = self.world.start(f"{place.name}{self.label}.{len(place.processes) + 1}", arguments)
        place.processes.append(process)
        place.address = address_in(process.wait_for_line("listening on ", within=20)[1])
        return process

    def kill_relay(self, place: RelayPlace) -> None:
        self.world.fault(f"kill -9 {place.name} at step {self.step()}")
        self.expect(place.process, -signal.SIGKILL)
        place.process.kill()
        place.process.wait(within=5)

    def start(self, workers: int = 2, **streams) -> None:
        """A coordinator that waits for that many workers, and the workers."""
        self.start_coordinator(expected=workers, **streams)
        for _ in range(workers):
            self.add_worker()

    def kill_worker(self, worker: Process) -> None:
        self.world.fault(f"kill -9 {worker.name} at step {self.step()}")
        self.expect(worker, -signal.SIGKILL)
        worker.kill()

    def live_workers(self) -> list[Process]:
        return [worker for worker in self.workers if worker.is_running]

    def expect(self, process: Process, *codes: int) -> None:
        """Further exit codes that are right for a process; it may still end without a fault."""
        self._endings.setdefault(process, set(SENT_HOME)).update(codes)

    def stop(self, process: Process) -> None:
        self.world.fault(f"SIGSTOP {process.name} at step {self.step()}")
        process.send(signal.SIGSTOP)

    def go_on(self, process: Process) -> None:
        self.world.note(f"SIGCONT {process.name} at step {self.step()}")
        process.send(signal.SIGCONT)

    # Progress

    def step(self) -> int:
        """The last step in metrics.jsonl, which is at most `log_interval` behind."""
        try:
            with self.file("metrics.jsonl").open("rb") as file:
                file.seek(0, 2)
                file.seek(max(0, file.tell() - 400))
                lines = file.read().split(b"\n")[:-1]
            return int(json.loads(lines[-1])["step"])
        except (OSError, IndexError, ValueError, KeyError):
            return 0

    def has_committed_anew(self, resumed: int) -> bool:
        """Whether the present coordinator has done a step: metrics.jsonl, cut to step `resumed` at its start, grows again."""
        try:
            modified = self.file("metrics.jsonl").stat().st_mtime
        except OSError:
            return False
        started = time.time() - (time.monotonic() - self.coordinator.began)
        return self.step() > resumed and modified > started

    def wait_for_step(self, step: int, within: float = 60) -> None:
        """Waits for progress; a run that ends before is a scenario that tested nothing."""

        def arrived() -> bool:
            if not self.coordinator.is_running and self.step() < step:
                coordinator = self.coordinator
                raise Broken(f"{coordinator.name} ended with {coordinator.code} before step {step}: {coordinator.last_words()}")
            return self.step() >= step

        self.world.wait_until(f"step {step} (now {self.step()})", arrived, within)

    def wait_for_progress(self, steps: int = 50, within: float = 30) -> float:
        """Waits until that many more steps are done; returns the seconds it took."""
        began = time.monotonic()
        self.wait_for_step(min(self.step() + steps, self.job.steps), within)
        return time.monotonic() - began

    def at_random_steps(self, count: int, act: Callable[[], object]) -> None:
        """Does something at `count` random moments of the run, each a random fraction of a second after a random step."""
        first, last = self.job.steps // 20, self.job.steps * 17 // 20
        for step in sorted(self.world.random.randrange(first, last) for _ in range(count)):
            self.wait_for_step(step)
            self.world.sleep(self.world.random.uniform(0, 0.03))
            act()

    # The end

    def finish(
        self, within: float | None = None, clean: bool = True, going_home: float = 15, may_lose_lines: bool = False
    ) -> None:
        """Waits for the end of everybody and judges the run. Workers have `going_home` seconds after the coordinator.

        `may_lose_lines`: metrics.jsonl may lack the lines that the coordinator counts as lost, and no others.
        """
        coordinator = self.coordinator
        code = coordinator.wait(within or self.world.left())
        if code != 0:
            raise Broken(f"{coordinator.name} ended with {code}: {coordinator.last_words()}")
        self.world.note(f"{coordinator.name} ended")
        home = time.monotonic() + going_home
        for worker in self.workers:
            code = self._ending(worker, max(0.0, home - time.monotonic()))
            if code not in self._endings.get(worker, SENT_HOME):
                raise Broken(f"{worker.name} ended with {code}: {worker.last_words()}")
        for relay in [process for place in self.relays for process in place.processes]:
            if relay.wait(going_home) not in self._endings.get(relay, SENT_HOME):
                raise Broken(f"{relay.name} ended with {relay.code}: {relay.last_words()}")
        lost = oracle.lines_lost(coordinator.errors) if may_lose_lines else ()
        oracle.require_same_result(self.job, coordinator.output, self.output, self.reference, lost)
        oracle.require_bounded_memory(self.world)
        if clean:
            oracle.require_clean_output(self.job, self.output)
            oracle.require_nothing_left(self.world)

    def _ending(self, worker: Process, going_home: float) -> int:
        """The exit status of a worker once the run is over. One that may miss the run's end, since its link may be down then (so that
        75 is right for it), would wait for the next coordinator for minutes: it is told."""
        try:
            return worker.wait(going_home)
        except Broken:
            if 75 not in self._endings.get(worker, ()):
                raise
            self.world.note(f"{worker.name} waits for the next coordinator: told to end")
            self.expect(worker, 143)
            worker.send(signal.SIGTERM)
            return worker.wait(5)
