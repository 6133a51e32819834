"""A PyTorch contestant's processes, seen from outside: started for one case, tuned, then measured as often as wanted.

They are forked from a server that has imported PyTorch once, wait at a pipe between two measurements, and end with the
`with` block.
"""

import multiprocessing
import socket
import statistics
import time

from . import architectures, pytorch_speed, tuning

TRIAL_SECONDS = 0.2
WARM_UP_SECONDS = 0.25
LEAST_STEPS = 3
# Longer than any compilation; a process that says nothing for so long has died or hangs.
PATIENCE_SECONDS = 300


class Unavailable(Exception):
    """PyTorch cannot do this here; the message says why."""


def forkserver():
    """The context all teams share; its server imports PyTorch before the first process is forked."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["peer.pytorch_speed"])
    return context


def changes(contestant, case):
    """What the search tries, in this order."""
    towers = architectures.IMAGES_PER_EXAMPLE[case.network] > 1
    tried = [{"channels_last": True}] + ([{"joined": True}] if towers else [])
    if contestant.compiled:
        return tried  # each trial compiles; the optimizer is taken from eager's winner
    tried += [{"adam": "fused"}, {"adam": "foreach"}, {"flush_denormals": True}]
    if contestant.processes > 1:
        tried += [{"gradient_as_bucket_view": True}, {"static_graph": True}, {"one_bucket": True}]
    return tried


class Team:
    def __init__(self, context, contestant, case):
        self.contestant, self.case = contestant, case
        self.settings, self.step_seconds = None, None
        # {label of settings: seconds}; the first time counts, for a compiler remembers.
        self.warm_ups = {}
        address = f"tcp://127.0.0.1:{free_port()}"
        self.pipes, self.processes = [], []
        for rank in range(contestant.processes):
            here, there = context.Pipe()
            place = pytorch_speed.Place(contestant, case, rank, address)
            process = context.Process(target=pytorch_speed.serve, args=(place, there), daemon=False)
            process.start()
            there.close()
            self.pipes.append(here)
            self.processes.append(process)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for pipe in self.pipes:
            pipe.close()
        for process in self.processes:
            process.join(10)
            if process.is_alive():
                process.kill()

    def ask(self, command, argument):
        """All processes' answers."""
        for pipe in self.pipes:
            pipe.send((command, argument))
        answers = []
        for pipe in self.pipes:
            if not pipe.poll(PATIENCE_SECONDS):
                raise SystemExit(f"{self.contestant.name}: no answer to {command} in {PATIENCE_SECONDS} s")
            try:
                answers.append(pipe.recv())
            except EOFError:
                raise SystemExit(f"{self.contestant.name}: a process ended by itself") from None
        for answer in answers:
            if "error" in answer:
                raise Unavailable(answer["error"])
        return answers

    def prepare(self, settings):
        """Makes the network and warms up: the first step (which compiles), then as many as take a moment."""
        start = time.perf_counter()
        self.ask("prepare", settings)
        self.run(1)
        once = self.run(1)
        self.run(steps_in(WARM_UP_SECONDS, once, least=1))
        self.settings = settings
        self.warm_ups.setdefault(tuning.label(settings), time.perf_counter() - start)
        self.step_seconds = self.run(LEAST_STEPS) / LEAST_STEPS

    def run(self, steps):
        """Seconds of the slowest process."""
        return max(answer["seconds"] for answer in self.ask("run", steps))

    def trial(self, settings):
        """Images a second: the median of three short measurements, against what else the machine does."""
        try:
            self.prepare(settings)
        except Unavailable:
            return None
        steps = steps_in(TRIAL_SECONDS, self.step_seconds)
        return steps * self.images_per_step / statistics.median(self.run(steps) for _ in range(3))

    def tune(self, start):
        """Searches from `start` and goes on with the best; returns the trials as (settings, images/s or None)."""
        best, trials = tuning.climb(start, changes(self.contestant, self.case), self.trial)
        if best != self.settings:
            self.prepare(best)
        return trials

    @property
    def warm_up_seconds(self):
        return self.warm_ups[tuning.label(self.settings)]

    @property
    def images_per_step(self):
        return self.case.batch * architectures.IMAGES_PER_EXAMPLE[self.case.network]

    def measure(self, seconds):
        """One measurement of about so many seconds, as a record."""
        steps = steps_in(seconds, self.step_seconds)
        answers = self.ask("run", steps)
        elapsed, images = max(answer["seconds"] for answer in answers), steps * self.images_per_step
        self.step_seconds = elapsed / steps
        return {
            "images_per_second": images / elapsed, "images": images, "seconds": elapsed,
            "cpu_seconds_per_image": sum(answer["cpu_seconds"] for answer in answers) / images,
        }


def steps_in(seconds, step_seconds, least=LEAST_STEPS):
    return max(least, round(seconds / step_seconds))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
