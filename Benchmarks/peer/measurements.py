"""What was measured, kept as it is made: JSON Lines, one object a line, so that a run can stop anywhere and go on.

Two runs' files merge by being read together. Standard library only.

kind "machine"      a run's start: processor, versions, load, the program's SHA-256
kind "peak"         GFLOP/s of a core: case, repeat, copies running at once
kind "speed"        case, repeat, contestant, images_per_second, cpu_seconds_per_image, images, seconds;
                    ours also: steps, digest
kind "settings"     case, contestant, settings that won, trials, warm_up_seconds
kind "start-up"     network, architecture, contestant, cpu_seconds of a run of one step, images
kind "unavailable"  case, contestant, reason
"""

import json
import pathlib
import statistics

from . import contestants


def read(path):
    """The records of a file; the last line may have been cut by a kill, any other has to be whole."""
    lines = pathlib.Path(path).read_text(encoding="utf-8").split("\n")
    try:
        return [json.loads(line) for line in lines[:-1]]
    except json.JSONDecodeError as error:
        raise SystemExit(f"{path} is not a file of measurements (one JSON object a line): {error}") from None


class Store:
    """The records so far, and the file that each new one is appended to. Without a path only the records."""

    def __init__(self, path=None, resume=False):
        self.records, self.file = [], None
        if path is None:
            return
        path = pathlib.Path(path)
        if path.exists():
            if not resume:
                raise SystemExit(f"{path} exists: --resume goes on with it; else remove it or name another")
            self.records = read(path)
            whole = path.read_bytes()
            path.write_bytes(whole[: whole.rfind(b"\n") + 1])
        self.file = path.open("a", encoding="utf-8")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.file:
            self.file.close()

    def add(self, kind, case=None, **fields):
        record = {"kind": kind} | (vars(case) if case else {}) | fields
        self.records.append(record)
        if self.file:
            self.file.write(json.dumps(record) + "\n")
            self.file.flush()
        return record

    def select(self, kind, case=None, **fields):
        wanted = {"kind": kind} | (vars(case) if case else {}) | fields
        return [record for record in self.records if wanted.items() <= record.items()]


class Outcome:
    """What the records say about one case."""

    def __init__(self, case, records):
        self.case = case
        self.records = [record for record in records if vars(case).items() <= record.items()]

    def of(self, kind, contestant=None):
        return [record for record in self.records if record["kind"] == kind
                and contestant in (None, record.get("contestant"))]

    def names(self):
        """The contestants measured, in the order of `contestants.ALL`."""
        measured = {record["contestant"] for record in self.of("speed")}
        return [name for name in contestants.ALL if name in measured]

    def speeds(self, name):
        return [record["images_per_second"] for record in self.of("speed", name)]

    def median(self, name):
        """Images a second, or None where this contestant was not measured."""
        speeds = self.speeds(name)
        return statistics.median(speeds) if speeds else None

    def ratio(self, name, *others):
        """To the fastest of the others; None where nothing is to compare."""
        ours, theirs = self.median(name), max((self.median(other) or 0 for other in others), default=0)
        return ours / theirs if ours and theirs else None

    def cpu_seconds_per_image(self, name):
        return statistics.median(record["cpu_seconds_per_image"] for record in self.of("speed", name))

    @property
    def peak(self):
        """GFLOP/s of a core: the best seen, for it is a limit."""
        return max((record["gflops"] for record in self.of("peak")), default=None)

    def digests(self):
        """{steps: {digest, …}}: ours has to end with one digest for each number of steps."""
        found = {}
        for record in self.of("speed"):
            if "digest" in record:
                found.setdefault(record["steps"], set()).add(record["digest"])
        return found

    @property
    def void(self):
        return any(len(digests) > 1 for digests in self.digests().values())


def outcomes(records):
    """One Outcome per case with a measured speed, in the order of measurement."""
    fields = ("network", "architecture", "batch")
    cases = dict.fromkeys(
        contestants.Case(*(record[field] for field in fields)) for record in records if record["kind"] == "speed")
    return [Outcome(case, records) for case in cases]
