"""`Benchmarks/compare-pytorch`: images trained a second, ours and PyTorch's, on the same cores in the same minutes.

Everything is measured in turn (ours, PyTorch DDP, eager, …) and repeated, so that a machine whose speed drifts treats
all alike. A pair is two images, a triplet three. Each PyTorch contestant is first tuned (pytorch_team.py); ours runs as
it comes. All our runs of one case have to end with the same weights, whatever the number of workers and threads: a run
with another digest makes the comparison void. Every measurement is written as it is made (--json), so that a long run
can be stopped and gone on with.
"""

import argparse
import contextlib
import hashlib
import os
import pathlib
import platform
import shutil
import signal
import sys
import tempfile
import time

from . import architectures, comparison_plot, comparison_report, contestants, fma_peak, idx_files
from . import measurements, our_speed, program, tuning

# The batches that bars judge come first: an early stop has them, and the others take over their settings.
BATCHES = (32, 256, 16, 64, 128, 512, 1024)
# Settings found at a batch serve others up to so many times larger or smaller.
TUNED_RANGE = 4
# Start-up, tuning and compiling of the first case; later ones are known by then.
FIRST_OVERHEAD_SECONDS = 60
# Above this load something else was computing, and two busy processes on two cores feel it most.
QUIET_LOAD = 0.5


def parse(arguments):
    parser = argparse.ArgumentParser(prog="compare-pytorch", description=__doc__.split("\n")[0])
    parser.add_argument("--networks", nargs="+", default=["siamese-contrastive", "embedding-classification"],
                        choices=architectures.IMAGES_PER_EXAMPLE)
    parser.add_argument("--architectures", nargs="+", default=["seed", "wide"], choices=architectures.ARCHITECTURES)
    parser.add_argument("--batches", nargs="+", type=int, default=BATCHES, help="in the order of measurement")
    parser.add_argument("--dataset", default="FashionMNIST", choices=["MNIST", "FashionMNIST"])
    parser.add_argument("--data", help="folder with the IDX files, for ours")
    parser.add_argument("--repeats", type=int, default=3)
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--budget", type=float, metavar="MINUTES", default=40,
                        help="measure each contestant for so long that all ends in about this time (default: 40)")
    length.add_argument("--seconds", type=float, help="of each measurement on two cores, instead of a budget")
    parser.add_argument("--quick", action="store_true", help="one repeat of half a second, seed architecture, batch 32")
    parser.add_argument("--pytorch-only", action="store_true", help="leave ours out")
    parser.add_argument("--without", nargs="+", default=[], metavar="NAME", choices=contestants.ALL,
                        help="contestants to leave out, by the names in the table")
    parser.add_argument("--json", metavar="FILE", help="write every measurement as it is made, one JSON object a line")
    parser.add_argument("--resume", action="store_true", help="go on with the measurements in --json FILE")
    parser.add_argument("--report", nargs="+", metavar="FILE",
                        help="measure nothing: report what these --json files hold together")
    parser.add_argument("--markdown", metavar="FILE", help="write the tables there as well")
    parser.add_argument("--plot", metavar="FILE", help="draw images/s over batch size: .png, .svg or .pdf")
    program.add_program_option(parser)
    options = parser.parse_args(arguments)
    if options.quick:
        options.architectures, options.batches, options.repeats, options.seconds = ["seed"], [32], 1, 0.5
    if options.resume and not options.json:
        parser.error("--resume goes on with --json FILE: name it")
    if any(batch < 2 or batch % 2 for batch in options.batches):
        parser.error("--batches: even numbers, each of two DDP processes takes half")
    return options


class Comparison:
    """Measures the cases that `store` does not hold yet."""

    def __init__(self, options, store, ours, meter):
        # Here, for a report of stored measurements needs no PyTorch.
        from . import pytorch_speed, pytorch_team

        self.options, self.store, self.ours, self.meter = options, store, ours, meter
        self.team, self.recipe, self.unavailable = pytorch_team, pytorch_speed.RECIPE, pytorch_team.Unavailable
        self.context = pytorch_team.forkserver()
        peers = contestants.PYTORCH
        self.contestants = [contestant for contestant in [*(contestants.OURS if ours else ()), *peers]
                            if contestant.name not in options.without]

    def run(self, cases):
        start, overhead = time.monotonic(), FIRST_OVERHEAD_SECONDS
        # Ours with one core takes twice as long for the steps that two cores share.
        weight = self.options.repeats * sum(
            2 / contestant.cores if isinstance(contestant, contestants.Ours) else 1 for contestant in self.contestants)
        left = [case for case in cases if self.missing(case)]
        for number, case in enumerate(left):
            seconds = self.options.seconds or tuning.seconds_for_each(
                60 * self.options.budget - (time.monotonic() - start), len(left) - number, overhead, weight)
            say(f"{case}: {number + 1} of {len(left)}, {seconds:.1f} s each, "
                f"{(time.monotonic() - start) / 60:.1f} minutes so far")
            began = time.monotonic()
            self.measure(case, seconds)
            overhead = max(0, time.monotonic() - began - weight * seconds)

    def missing(self, case):
        """(repeat, contestant) in the order of measurement."""
        outcome = measurements.Outcome(case, self.store.records)
        done = {(record["repeat"], record["contestant"]) for record in outcome.of("speed")}
        given_up = {record["contestant"] for record in outcome.of("unavailable")}
        return [(repeat, contestant) for repeat in range(self.options.repeats) for contestant in self.contestants
                if (repeat, contestant.name) not in done and contestant.name not in given_up]

    def measure(self, case, seconds):
        left = self.missing(case)
        with contextlib.ExitStack() as teams:
            started = {}
            for contestant in contestants.PYTORCH:
                if any(contestant == other for _, other in left):
                    team = self.start(teams, case, contestant)
                    if team:
                        started[contestant] = team
            for repeat, contestant in left:
                self.measure_once(case, repeat, contestant, started.get(contestant), seconds)

    def measure_once(self, case, repeat, contestant, team, seconds):
        # The machine's limit drifts with its neighbours and its clock: it is measured as often as anything else.
        gflops = self.meter.gflops_per_core(contestant.cores)
        self.store.add("peak", case, repeat=repeat, copies=contestant.cores, gflops=gflops)
        if isinstance(contestant, contestants.Ours):
            measured = self.ours.measure(case, contestant, seconds)
        elif team:
            measured = team.measure(seconds)
        else:
            return
        self.store.add("speed", case, repeat=repeat, contestant=contestant.name, **measured)
        say(f"  {contestant.name:36} {measured['images_per_second']:10,.0f} images/s")

    def start(self, teams, case, contestant):
        """A tuned team, or None if this contestant does not work here."""
        team = teams.enter_context(self.team.Team(self.context, contestant, case))
        start, found = self.known_settings(case, contestant)
        trials = []
        try:
            if found:
                team.prepare(start)
            else:
                trials = team.tune(start)
        except self.unavailable as reason:
            self.store.add("unavailable", case, contestant=contestant.name, reason=str(reason))
            say(f"  {contestant.name} does not work here: {reason}")
            return None
        self.store.add("settings", case, contestant=contestant.name, settings=team.settings, tuned=not found,
                       label=tuning.label(team.settings), trials=trials, warm_up_seconds=team.warm_up_seconds)
        say(f"  {contestant.name:36} {tuning.label(team.settings)}; warm-up {team.warm_up_seconds:.1f} s")
        return team

    def known_settings(self, case, contestant):
        """Settings to start from, and whether they were found for a batch like this one."""
        same = {"network": case.network, "architecture": case.architecture}
        distance = lambda record: max(record["batch"], case.batch) / min(record["batch"], case.batch)
        tuned = self.store.select("settings", contestant=contestant.name, tuned=True, **same)
        # A search that compiles for each trial is made once.
        near = [record for record in tuned if contestant.compiled or distance(record) <= TUNED_RANGE]
        if near:
            return min(near, key=distance)["settings"], True
        if not contestant.compiled:
            return self.recipe, False
        compiled = self.store.select("settings", case, contestant=contestants.COMPILED.name)
        if compiled:
            return compiled[-1]["settings"], True
        eager = self.store.select("settings", case, contestant=contestants.EAGER_TWO.name)
        adam = {"adam": eager[-1]["settings"]["adam"]} if eager else {}
        return self.recipe | {"compiled": True} | adam, False


def say(line):
    print(line, file=sys.stderr, flush=True)


def describe_machine(siamese):
    import torch

    processor = platform.processor() or platform.machine()
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo", encoding="utf-8") as info:
            names = [line.split(":", 1)[1].strip() for line in info if line.startswith("model name")]
        processor = names[0] if names else processor
    load = os.getloadavg()[0]
    return {
        "processor": processor, "cores": os.cpu_count(), "load": load, "busy": load > QUIET_LOAD,
        "torch": torch.__version__, "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "program": hashlib.sha256(siamese.read_bytes()).hexdigest() if siamese else None,
    }


def measure(options):
    """All records, old and new."""
    # A C++ compiler's work is not kept between runs, so that what is printed of it is what it takes.
    with contextlib.ExitStack() as stack:
        store = stack.enter_context(measurements.Store(options.json, options.resume))
        siamese = None if options.pytorch_only else program.program_of(options)
        store.add("machine", **describe_machine(siamese))
        cache = stack.enter_context(tempfile.TemporaryDirectory(prefix="compare-pytorch-"))
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = cache
        if not (shutil.which("c++") or shutil.which("g++") or os.environ.get("CXX")):
            say("no C++ compiler: torch.compile will not work; on Debian: apt-get install g++")
        ours = None
        if siamese:
            data = stack.enter_context(idx_files.first_images(
                idx_files.folder_of(options.dataset, options.data), our_speed.TRAIN_IMAGES, our_speed.TEST_IMAGES))
            ours = our_speed.OurSide(siamese, options.dataset, data, store)
        cases = [contestants.Case(network, architecture, batch) for batches in split(options.batches)
                 for network in options.networks for architecture in options.architectures for batch in batches]
        Comparison(options, store, ours, stack.enter_context(fma_peak.PeakMeter())).run(cases)
        return store.records


def stored(files):
    return [record for file in files for record in measurements.read(file)]


def split(batches):
    """The batches that bars judge, and the rest: a run that is stopped has the bars of all networks."""
    judged = {batch for _, batch in comparison_report.RATIO_BARS}
    groups = [[batch for batch in batches if batch in judged], [batch for batch in batches if batch not in judged]]
    return [group for group in groups if group]


def main(arguments=None):
    options = parse(arguments)
    # A polite kill ends as Ctrl-C does: processes and temporary files go.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        records = stored(options.report) if options.report else measure(options)
    except KeyboardInterrupt:
        sys.exit("stopped" + (f"; --json {options.json} --resume goes on" if options.json else ""))
    outcomes = measurements.outcomes(records)
    text = comparison_report.report(records, outcomes)
    print(text)
    if options.markdown:
        pathlib.Path(options.markdown).write_text(text, encoding="utf-8")
    if options.plot:
        comparison_plot.draw(outcomes, options.plot)
    if any(outcome.void for outcome in outcomes):
        sys.exit("void: our runs of one configuration ended with different weights")
    if not all(bar.met for bar in comparison_report.bars(outcomes)):
        sys.exit("a bar is missed")


if __name__ == "__main__":
    main()
