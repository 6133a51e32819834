"""`Benchmarks/coordinator`: a real coordinator against workers that answer at once with a fixed buffer.

Two processes: the coordinator (its shell, core, codec, reduction tree and ROUTER; no optimizer, no sampling) and one with
all workers (a core and a DEALER each, one thread). Beside it, in turn, libzmq alone moving the same frame sizes in the same
pattern between two such processes, and the machine's memory bandwidth.
"""

import argparse
import json
import os
import statistics
import sys

from peer import tables

from . import programs

SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256]
# What the project asks of itself: bytes/s of the coordinator with so many workers / bytes/s of libzmq alone.
BAR_WORKERS, BAR_RATIO = 64, 0.7


def parse(arguments):
    parser = argparse.ArgumentParser(prog="coordinator", description=__doc__.split("\n")[0])
    parser.add_argument("--architectures", nargs="+", default=["seed", "wide"], choices=["seed", "wide"])
    parser.add_argument("--workers", nargs="+", type=int, default=SIZES, metavar="N")
    parser.add_argument("--microbatches", type=int, default=1, help="that each worker gets in a step")
    parser.add_argument("--transport", default="ipc", choices=["ipc", "tcp"])
    parser.add_argument("--seconds", type=float, default=1, help="of each measurement")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", metavar="FILE", help="write every single measurement as well")
    parser.add_argument("--exchange", metavar="PROGRAM", help="default: builds it")
    options = parser.parse_args(arguments)
    if min(*options.workers, options.microbatches, options.repeats, options.repeats) < 1 or options.seconds <= 0:
        parser.error("--workers, --microbatches, --repeats and --seconds are positive")
    return options


class Comparison:
    """All measurements with so many workers of one architecture."""

    def __init__(self, architecture, workers):
        self.architecture, self.workers = architecture, workers
        self.coordinator, self.raw = [], []

    def measure_once(self, run, options):
        ours = run.coordinator(self.workers, self.architecture, options.microbatches, options.seconds)
        raw = run.raw_zmq(self.workers, ours["sent"], ours["received"], options.seconds)
        self.coordinator.append(ours)
        self.raw.append(raw)
        print(f"  {self.architecture}, {self.workers:3} workers: {rate(ours, 'bytes') / 1e6:6,.0f} MB/s, "
              f"libzmq {rate(raw, 'bytes') / 1e6:6,.0f} MB/s", file=sys.stderr)

    @property
    def bytes_per_second(self):
        return median_rate(self.coordinator, "bytes")

    @property
    def ratio(self):
        """Median over the repeats, each of which measured both one after the other."""
        return statistics.median(
            rate(ours, "bytes") / rate(raw, "bytes") for ours, raw in zip(self.coordinator, self.raw))

    def row(self, copy):
        return [
            self.workers,
            *(f"{median_rate(self.coordinator, what):,.0f}" for what in ("steps", "messages")),
            tables.spread([rate(run, "bytes") / 1e6 for run in self.coordinator]),
            tables.spread([rate(run, "bytes") / 1e6 for run in self.raw]),
            f"{self.ratio:.2f}", f"{self.bytes_per_second / copy:.2f}",
            " / ".join(f"{statistics.median(map(microseconds_per_message, runs)):.0f}"
                       for runs in (self.coordinator, self.raw)),
        ]


HEADER = ["workers", "steps/s", "messages/s", "MB/s: min / median / max", "libzmq alone, MB/s", "÷ libzmq", "÷ copy",
          "CPU µs a message, ours / libzmq"]


def rate(run, what):
    return run[what] / run["seconds"]


def median_rate(runs, what):
    return statistics.median(rate(run, what) for run in runs)


def microseconds_per_message(run):
    """Processor time of the coordinator's process, all threads."""
    return 1e6 * run["processor_seconds"] / run["messages"]


def report(comparisons, architecture, bandwidth):
    own = [comparison for comparison in comparisons if comparison.architecture == architecture]
    last = own[-1].coordinator[-1]
    return "\n".join([
        f"### {architecture}", "",
        tables.markdown(HEADER, [comparison.row(bandwidth["all"][0]) for comparison in own]), "",
        f"A worker and step, frames in bytes: sent {programs.pattern(last['sent'])}, "
        f"received {programs.pattern(last['received'])}.",
    ])


def describe(options, bandwidth):
    copy_and_triad = {
        threads: " and ".join(f"{speed / 1e9:.0f}" for speed in speeds) for threads, speeds in bandwidth.items()}
    return (f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start; {options.transport}; "
            f"{options.repeats} × {options.seconds:g} s each, in turn. Memory, copy and triad: {copy_and_triad['one']} GB/s "
            f"on one core, {copy_and_triad['all']} GB/s on all.")


def main(arguments=None):
    options = parse(arguments)
    comparisons = [Comparison(architecture, workers)
                   for architecture in options.architectures for workers in options.workers]
    with programs.Programs(options.transport, options.exchange) as run:
        bandwidth = {"one": run.memory_bandwidth(1), "all": run.memory_bandwidth(os.cpu_count())}
        description = describe(options, bandwidth)
        for _ in range(options.repeats):
            for comparison in comparisons:
                comparison.measure_once(run, options)
    print(f"{description}\n")
    print("\n\n".join(report(comparisons, architecture, bandwidth) for architecture in options.architectures))
    judged = [comparison for comparison in comparisons if comparison.workers == BAR_WORKERS]
    if judged:
        rows = [[f"{comparison.architecture}, {BAR_WORKERS} workers: bytes/s ÷ libzmq", f"{comparison.ratio:.2f}",
                 BAR_RATIO, tables.verdict(comparison.ratio, BAR_RATIO)] for comparison in judged]
        print("\n" + tables.markdown(["bar", "measured", "at least", "met"], rows))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"transport": options.transport, "memory_bandwidth": bandwidth,
                       "comparisons": [vars(comparison) for comparison in comparisons]}, file, indent=1)
    if any(comparison.ratio < BAR_RATIO for comparison in judged):
        sys.exit("a bar is missed")


if __name__ == "__main__":
    main()
