"""Builds the programs of this benchmark and runs them in pairs: one that listens and one that connects. Standard library only."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PATIENCE = 60  # seconds beyond what a run is to take
# libzmq allocates every received frame on its own thread. As it comes, glibc hands such pages back to the kernel and faults them in
# again, so that figures halve and double by luck; a limit to compare with, and workers that are to cost little, get this
# instead. The coordinator runs as users run it.
KEEP_PAGES = {"GLIBC_TUNABLES": ":".join(
    f"glibc.malloc.{name}={value}"
    for name, value in {"mmap_threshold": 1 << 25, "trim_threshold": 1 << 30, "arena_max": 1}.items())}


class Pair:
    """Two processes: a listener that prints its address, then one line of JSON, and a connector that it sends home."""

    def __init__(self, listener, connector, listener_keeps_pages=False):
        self.listener, self.connector = listener, connector
        self.environment = os.environ | (KEEP_PAGES if listener_keeps_pages else {})

    def run(self, seconds):
        """The listener's JSON."""
        limit = seconds + PATIENCE
        with subprocess.Popen(
                self.listener, env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as listening:
            processes = [listening]
            try:
                address = listening.stdout.readline().strip()
                if not address:
                    raise SystemExit(f"{' '.join(self.listener)}\ndid not begin to listen")
                connector = [part.replace("ADDRESS", address) for part in self.connector]
                processes.append(subprocess.Popen(connector, env=os.environ | KEEP_PAGES, stdin=subprocess.DEVNULL))
                processes[1].wait(timeout=limit)
                output, _ = listening.communicate(timeout=limit)  # closes its standard input first
            except subprocess.TimeoutExpired as error:
                raise SystemExit(f"{error.cmd}\nhas not ended after {limit} s") from None
            finally:
                for process in processes:
                    if process.poll() is None:
                        process.kill()
                        process.wait()
        for process in processes:
            if process.returncode != 0:
                raise SystemExit(f"{process.args}\nended with {process.returncode}")
        return json.loads(output)


class Programs:
    """What the benchmark runs, usable until the `with` block ends."""

    def __init__(self, transport, exchange=None):
        self.transport, self.exchange = transport, exchange

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="siamese-")
        self.exchange = str(self.exchange or build())
        self.raw = self.compile("raw-zmq", "-O2", libraries=["-lzmq"])
        self.bandwidth = self.compile("memory-bandwidth", "-O3", "-pthread")
        return self

    def __exit__(self, *_):
        self.folder.cleanup()

    def compile(self, name, *options, libraries=()):
        program = os.path.join(self.folder.name, name)
        subprocess.run(["cc", *options, str(HERE / f"{name}.c"), "-o", program, *libraries], check=True)
        return program

    @property
    def endpoint(self):
        return "tcp://127.0.0.1:0" if self.transport == "tcp" else f"ipc://{self.folder.name}/socket"

    def coordinator(self, workers, architecture, microbatches, seconds):
        return Pair(
            [self.exchange, "coordinator", "--listen", self.endpoint, "--workers", str(workers),
             "--architecture", architecture, "--microbatches", str(microbatches), "--seconds", str(seconds)],
            [self.exchange, "workers", "--connect", "ADDRESS", "--count", str(workers)]).run(seconds)

    def raw_zmq(self, workers, sent, received, seconds):
        patterns = [pattern(sent), pattern(received)]
        return Pair(
            [self.raw, "router", self.endpoint, str(workers), str(seconds), *patterns],
            [self.raw, "dealers", "ADDRESS", str(workers), *patterns], listener_keeps_pages=True).run(seconds)

    def memory_bandwidth(self, threads):
        """(copy, triad) in bytes/s."""
        run = subprocess.run([self.bandwidth, str(threads)], check=True, capture_output=True, text=True)
        copy, triad = run.stdout.split()
        return float(copy) * 1e9, float(triad) * 1e9


def pattern(messages):
    """[[32, 5], [7]] as raw-zmq.c reads it: "32,5/7"."""
    return "/".join(",".join(map(str, frames)) for frames in messages)


def build():
    """Builds the Swift program and returns its path. Not in the package's .build, which knows nothing of benchmarks."""
    command = ["swift", "build", "--package-path", str(ROOT), "--scratch-path", str(ROOT / "Benchmarks" / ".build"),
               "-c", "release", "--product", "exchange"]
    environment = os.environ | {"SIAMESE_BENCHMARKS": "1"}
    print("Building …", file=sys.stderr)
    try:
        built = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True)
    except FileNotFoundError:
        raise SystemExit("no command `swift`; run scripts/quickstart first, it says how to get one") from None
    if built.returncode != 0:
        raise SystemExit(f"{built.stdout}\nthe build failed")
    folder = subprocess.run(
        [*command, "--show-bin-path"], env=environment, check=True, capture_output=True, text=True).stdout.strip()
    return pathlib.Path(folder, "exchange")
