"""`Benchmarks/scaling`: what relays save the coordinator, and how well the model of docs/scaling.md predicts a step.

A real coordinator, real relays and workers that answer at once with a fixed buffer. First on this machine as it is: messages, bytes
and processor time of the coordinator, per step. Then with a line (exchange/line.py) before the coordinator and before every relay,
as if each were a machine with a network card of so many bytes a second and so much latency: step times, predicted and measured.
"""

import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile

from peer import tables

from . import programs

MICROBATCH_EXAMPLES = 8  # ModelCore.microbatchSize
PAIR_BYTES = 2 * 784 + 4
FRAME_BYTES = {"seed": 142_944, "wide": 1_523_232}


def model(fan_outs, frame, examples, microbatches, rate, latency, nodes=1.0):
    """Seconds of a step on the network alone, for workers that take no time.

    fan_outs: how many are served by the coordinator, by each relay of the first level, …
    examples: bytes of one microbatch's examples, which travel ahead of their step
    nodes: gradients in an answer to the coordinator, on average
    """
    crossings = 2 * len(fan_outs) * latency
    if not rate:
        return crossings
    # Weights leave one after the other, and so do their receivers' answers. Where an answer is longer than the weights, the
    # answers queue instead. Between levels a message is stored before it goes on.
    per_answer = [nodes] + [1] * (len(fan_outs) - 1)
    chain = sum(1 + fan_out * max(1, count) for fan_out, count in zip(fan_outs, per_answer)) * frame / rate
    # No step is shorter than what its busiest line has to send, the examples of the next step included.
    below = [math.prod(fan_outs[level:]) * microbatches * examples for level in range(len(fan_outs))]
    busiest = max(fan_out * frame + load for fan_out, load in zip(fan_outs, below)) / rate
    return max(crossings + chain, busiest)


class Cluster:
    """The processes of one measurement; all are gone at the end of the `with` block."""

    def __init__(self, exchange, transport, line=None):
        self.exchange, self.transport, self.line = exchange, transport, line
        self.processes = []
        self.folder = tempfile.TemporaryDirectory(prefix="siamese-")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
        self.folder.cleanup()

    def start(self, command, **streams):
        process = subprocess.Popen(command, stdin=subprocess.PIPE, text=True, **streams)
        self.processes.append(process)
        return process

    def endpoint(self):
        return "tcp://127.0.0.1:0" if self.transport == "tcp" else f"ipc://{self.folder.name}/{len(self.processes)}"

    def behind_a_line(self, address):
        if not self.line:
            return address
        rate, latency = line_of(self.line)
        line = self.start(
            [sys.executable, "-m", "exchange.line", address, "--rate", str(rate), "--latency", str(latency)],
            stdout=subprocess.PIPE)
        return line.stdout.readline().strip()

    def relay(self, above):
        relay = self.start(
            [self.exchange, "relay", "--listen", self.endpoint(), "--connect", above], stderr=subprocess.PIPE)
        words = relay.stderr.readline().split()
        if words[:2] != ["listening", "on"]:
            raise SystemExit(f"a relay did not begin to listen: {' '.join(words)}")
        # Whatever else it says is the arrival of its workers: less than fills a pipe.
        return self.behind_a_line(words[2].removesuffix(":"))

    def run(self, shape, workers, options):
        """The coordinator's JSON; shape: relays below the coordinator, below each of those, …"""
        members = shape[0] if shape else workers
        coordinator = self.start(
            [self.exchange, "coordinator", "--listen", self.endpoint(), "--workers", str(members), "--architecture",
             options.architecture, "--microbatches", str(workers * options.microbatches // members), "--seconds",
             str(options.seconds), "--warm-up", str(options.warm_up)], stdout=subprocess.PIPE)
        addresses = [self.behind_a_line(coordinator.stdout.readline().strip())]
        for count in shape:
            addresses = [self.relay(above) for above in addresses for _ in range(count)]
        self.start([self.exchange, "workers", "--count", str(workers)]
                   + [part for address in addresses for part in ("--connect", address)])
        output, _ = coordinator.communicate(timeout=options.seconds + options.warm_up + 120)
        if coordinator.returncode != 0:
            raise SystemExit(f"the coordinator ended with {coordinator.returncode}: {output}")
        return json.loads(output)


def parse(arguments):
    parser = argparse.ArgumentParser(prog="scaling", description=__doc__.split("\n")[0])
    parser.add_argument("--architecture", default="seed", choices=FRAME_BYTES)
    parser.add_argument("--workers", type=int, default=64)
    parser.add_argument("--shapes", nargs="+", default=["0", "1", "4", "8"], metavar="R[xR]",
                        help="relays of the first level x relays below each of those; 0: none")
    parser.add_argument("--lines", nargs="+", default=[], metavar="MBIT:MS",
                        help="rate in Mbit/s (0: no limit) and one-way latency in ms")
    parser.add_argument("--microbatches", type=int, default=1, help="of each worker in a step")
    parser.add_argument("--transport", default="ipc", choices=["ipc", "tcp"], help="where there is no line")
    parser.add_argument("--seconds", type=float, default=3, help="of each measurement")
    parser.add_argument("--warm-up", type=float, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", metavar="FILE", help="write every single measurement as well")
    parser.add_argument("--exchange", metavar="PROGRAM", help="default: builds it")
    return parser.parse_args(arguments)


def shape_of(text):
    return [int(part) for part in text.split("x")] if text != "0" else []


def fan_outs(shape, workers):
    return [*shape, workers // math.prod(shape)]


def median(runs, what):
    return statistics.median(run[what] / run["steps"] for run in runs)


def own_table(runs, workers, frame):
    rows = []
    for shape, measured in runs.items():
        rows.append([
            shape, f"{median(measured, 'messages'):.0f}", f"{median(measured, 'bytes_sent') / 1e6:.2f}",
            f"{median(measured, 'bytes_received') / 1e6:.2f}",
            f"{nodes_per_answer(measured, shape_of(shape), workers, frame):.1f}",
            f"{1e3 * median(measured, 'processor_seconds'):.2f}", f"{1e3 * median(measured, 'seconds'):.2f}"])
    return tables.markdown(
        ["relays", "messages a step", "MB sent", "MB received", "gradients an answer", "CPU ms", "ms a step, all on this machine"],
        rows)


def nodes_per_answer(measured, shape, workers, frame):
    return median(measured, "bytes_received") / frame / (shape[0] if shape else workers)


def line_table(free, lined, options):
    frame, rows = FRAME_BYTES[options.architecture], []
    for (line, shape), measured in lined.items():
        rate, latency = line_of(line)
        nodes = nodes_per_answer(measured, shape_of(shape), options.workers, frame)
        network = model(fan_outs(shape_of(shape), options.workers), frame, MICROBATCH_EXAMPLES * PAIR_BYTES,
                        options.microbatches, rate, latency, nodes)
        predicted = network + median(free[shape], "seconds")
        seconds = median(measured, "seconds")
        rows.append([f"{rate * 8e-6:.0f} Mbit/s, {1e3 * latency:g} ms" if rate else f"{1e3 * latency:g} ms", shape,
                     f"{nodes:.1f}", f"{1e3 * median(free[shape], 'seconds'):.0f}", f"{1e3 * network:.0f}",
                     f"{1e3 * predicted:.0f}", f"{1e3 * seconds:.0f}",
                     f"{100 * (predicted / seconds - 1):+.0f} %"])
    return tables.markdown(
        ["line", "relays", "gradients an answer", "ms without the line's limits", "+ the model's", "= predicted", "measured",
         "error"], rows)


def line_of(text):
    megabits, milliseconds = map(float, text.split(":"))
    return megabits * 1e6 / 8, milliseconds / 1e3


def main(arguments=None):
    options = parse(arguments)
    exchange = str(options.exchange or programs.build())
    # Through lines that cost nothing, but for the processor: to this the model adds what the others cost.
    lines = [None, *(["0:0", *options.lines] if options.lines else [])]
    cases = [(line, shape) for line in lines for shape in options.shapes]
    runs = {case: [] for case in cases}
    for _ in range(options.repeats):
        for line, shape in cases:
            with Cluster(exchange, "tcp" if line else options.transport, line) as cluster:
                run = cluster.run(shape_of(shape), options.workers, options)
            runs[line, shape].append(run)
            print(f"  line {line}, relays {shape}: {1e3 * run['seconds'] / run['steps']:.1f} ms a step", file=sys.stderr)
    own, free = ({shape: measured for (line, shape), measured in runs.items() if line == wanted} for wanted in (None, "0:0"))
    print(f"{options.workers} workers, {options.architecture}\n\n"
          + own_table(own, options.workers, FRAME_BYTES[options.architecture]))
    if options.lines:
        lined = {case: measured for case, measured in runs.items() if case[0] not in (None, "0:0")}
        print("\n" + line_table(free, lined, options))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump([{"line": line, "relays": shape, "runs": measured} for (line, shape), measured in runs.items()],
                      file, indent=1)


if __name__ == "__main__":
    main()
