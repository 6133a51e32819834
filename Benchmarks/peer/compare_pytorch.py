"""`Benchmarks/compare-pytorch`: images trained a second, ours and PyTorch's, on the same cores in the same minutes.

Everything is measured in turn (ours, PyTorch DDP, ours, …) and repeated, so that a machine whose speed drifts treats
all alike. A pair is two images, a triplet three. Ours is run.json's `images_per_second`; `pytorch_speed.py` says what
PyTorch is given. All our runs of one network, batch and architecture have to end with the same weights, whatever the
number of workers: a run with another digest makes the comparison void.
"""

import argparse
import json
import os
import platform
import statistics
import sys

import torch

from . import fma_peak, networks, program, pytorch_speed, tables

IMAGES = {"seed": 120_000, "wide": 24_000}
OUR_WORKERS = (2, 1, 0)


def ours(workers):
    return f"ours, --workers {workers}"


PYTORCH = {
    # name: processes, threads, tuned
    "PyTorch DDP, 2 processes": (2, 1, False),
    "PyTorch DDP, 2 processes, tuned": (2, 1, True),
    "PyTorch eager, 1 thread": (1, 1, False),
    "PyTorch eager, 2 threads": (1, 2, False),
    "PyTorch eager, 2 threads, tuned": (1, 2, True),
}
CORES = {ours(workers): max(1, workers) for workers in OUR_WORKERS}
CORES |= {name: processes * threads for name, (processes, threads, _) in PYTORCH.items()}
REFERENCE = "PyTorch DDP, 2 processes"
# What the project asks of itself, seed architecture, contrastive: ratio to DDP by batch, and images/s per core of
# `--workers 0` at batch 256 for each GFLOP/s of the core's peak.
RATIO_BARS = {32: 5, 256: 4}
IMAGES_PER_GFLOPS_BAR = 20_000 / 100


def parse(arguments):
    parser = argparse.ArgumentParser(prog="compare-pytorch", description=__doc__.split("\n")[0])
    parser.add_argument("--networks", nargs="+", default=["siamese-contrastive"], choices=networks.NETWORKS)
    parser.add_argument("--architectures", nargs="+", default=["seed", "wide"], choices=networks.ARCHITECTURES)
    parser.add_argument("--batches", nargs="+", type=int, default=[32, 256])
    parser.add_argument("--dataset", default="FashionMNIST", choices=["MNIST", "FashionMNIST"])
    parser.add_argument("--data", help="folder with the IDX files, for ours")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4, help="of PyTorch's training in each measurement")
    parser.add_argument("--images", type=int, help="ours trains so many in each measurement (default: by architecture)")
    parser.add_argument("--quick", action="store_true", help="one repeat, a quarter of the work, seed architecture only")
    parser.add_argument("--pytorch-only", action="store_true", help="leave ours out")
    parser.add_argument("--json", metavar="FILE", help="write every single measurement as well")
    program.add_program_option(parser)
    options = parser.parse_args(arguments)
    if options.quick:
        options.architectures, options.repeats, options.seconds = ["seed"], 1, 1
        options.images = options.images or IMAGES["seed"] // 4
    if any(batch < 2 or batch % 2 for batch in options.batches):
        parser.error("--batches: even numbers, each of two DDP processes takes half")
    return options


class Comparison:
    """All measurements of one network, architecture and batch: {contestant: [images/s]} and our digests."""

    def __init__(self, network, architecture, batch):
        self.network, self.architecture, self.batch = network, architecture, batch
        self.speeds, self.digests, self.peaks = {}, set(), []

    def measure_once(self, options, siamese, meter):
        self.peaks.append(meter.gflops_per_core(2))
        if siamese:
            for workers in OUR_WORKERS:
                self.measure_ours(options, siamese, workers)
        for name, (processes, threads, tuned) in PYTORCH.items():
            case = pytorch_speed.Case(
                self.network, self.architecture, self.batch, processes, threads, tuned, options.seconds)
            self.record(name, pytorch_speed.measure(case))

    def measure_ours(self, options, siamese, workers):
        per_step = self.batch * networks.NETWORKS[self.network].images_per_example
        steps = max(1, (options.images or IMAGES[self.architecture]) // per_step)
        run = program.train(
            siamese, self.network, options.dataset, data=options.data, architecture=self.architecture,
            batch_size=self.batch, workers=workers, max_steps=steps)
        self.digests.add(run["model_sha256"])
        self.record(ours(workers), run["images_per_second"])

    def record(self, name, images_per_second):
        print(f"  {name:34} {images_per_second:10,.0f} images/s", file=sys.stderr)
        self.speeds.setdefault(name, []).append(images_per_second)

    def median(self, name):
        return statistics.median(self.speeds[name])

    @property
    def peak(self):
        """GFLOP/s of a core: the best seen, for it is a limit."""
        return max(self.peaks)

    def rows(self):
        flops = networks.flops_per_trained_image(self.architecture)
        for name, speeds in self.speeds.items():
            cores = CORES[name]
            yield [
                name, tables.spread(speeds), f"{self.median(name) / self.median(REFERENCE):.2f}",
                f"{100 * self.median(name) * flops / (cores * self.peak * 1e9):.1f} %",
            ]

    def bars(self):
        """(what, figure, bar) for each bar that this comparison can judge."""
        if ours(2) not in self.speeds or (self.network, self.architecture) != ("siamese-contrastive", "seed"):
            return
        if self.batch in RATIO_BARS:
            ratio = self.median(ours(2)) / self.median(REFERENCE)
            yield f"2 workers / DDP at batch {self.batch}", ratio, RATIO_BARS[self.batch]
        if self.batch == 256:
            yield "images/s of one core at batch 256", self.median(ours(0)), IMAGES_PER_GFLOPS_BAR * self.peak

    def report(self):
        lines = [
            f"### {self.network}, {self.architecture}, batch {self.batch}", "",
            tables.markdown(["", "images/s: min / median / max", f"÷ {REFERENCE}", "of FMA peak"], list(self.rows())), "",
            f"FMA peak {self.peak:.0f} GFLOP/s per core, both cores busy; "
            f"{networks.flops_per_trained_image(self.architecture) / 1e6:.2f} MFLOP per trained image.",
        ]
        if self.digests:
            lines.append(f"Weights of all our runs: {' ≠ '.join(sorted(self.digests))}")
        return "\n".join(lines)


# Above this load something else was computing, and two busy processes on two cores feel it most.
QUIET_LOAD = 0.5


def describe_machine():
    model = platform.processor() or platform.machine()
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo", encoding="utf-8") as info:
            names = [line.split(":", 1)[1].strip() for line in info if line.startswith("model name")]
        model = names[0] if names else model
    load = os.getloadavg()[0]
    busy = "" if load <= QUIET_LOAD else "\n\n**The machine was busy at the start: do not quote these figures.**"
    return f"{model}, {os.cpu_count()} cores, load {load:.1f} at the start; PyTorch {torch.__version__}{busy}"


def main(arguments=None):
    options = parse(arguments)
    machine = describe_machine()
    siamese = None if options.pytorch_only else program.program_of(options)
    comparisons = [
        Comparison(network, architecture, batch)
        for network in options.networks for architecture in options.architectures for batch in options.batches]
    with fma_peak.PeakMeter() as meter:
        for comparison in comparisons:
            for repeat in range(options.repeats):
                print(f"{comparison.network}, {comparison.architecture}, batch {comparison.batch}: "
                      f"{repeat + 1} of {options.repeats}", file=sys.stderr)
                comparison.measure_once(options, siamese, meter)
    print(f"{machine}\n")
    print("\n\n".join(comparison.report() for comparison in comparisons))
    bars = [bar for comparison in comparisons for bar in comparison.bars()]
    if bars:
        rows = [[what, f"{figure:,.1f}", f"{bar:,.1f}", tables.verdict(figure, bar)] for what, figure, bar in bars]
        print("\n" + tables.markdown(["bar", "measured", "at least", "met"], rows))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump([vars(c) | {"digests": sorted(c.digests)} for c in comparisons], file, indent=1)
    if any(len(comparison.digests) > 1 for comparison in comparisons):
        sys.exit("void: our runs of one configuration ended with different weights")
    if any(figure < bar for _, figure, bar in bars):
        sys.exit("a bar is missed")


if __name__ == "__main__":
    main()
