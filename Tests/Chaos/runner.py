"""Runs scenarios one after the other, each in a world of its own, and keeps the folder of one that failed."""

import dataclasses
import pathlib
import shutil
import sys
import time
import traceback

from .dataset import write_dataset
from .job import References
from .process import Broken
from .registry import Figures, Scenario
from .world import World


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What came of one scenario."""

    scenario: Scenario
    seed: int
    seconds: float
    faults: int
    peak_bytes: dict[str, int]
    figures: Figures
    # Why it failed; empty if it did not.
    failure: str = ""
    folder: pathlib.Path | None = None

    @property
    def passed(self) -> bool:
        return not self.failure

    @property
    def replay(self) -> str:
        return f"scripts/chaos --only {self.scenario.name} --seed {self.seed}"


class Runner:
    """Owns the folder of a campaign: data, references, and a folder per scenario while it runs."""

    def __init__(self, program: pathlib.Path, place: pathlib.Path, verbose: bool):
        self._program, self._place, self._verbose = program, place, verbose
        self._data = place / "data"
        write_dataset(self._data)
        (place / "references").mkdir()
        self._references = References(program, self._data, place / "references")

    def run(self, scenario: Scenario, seed: int) -> Verdict:
        """Never raises for what a scenario finds; a mistake of the scenario itself is a failure too."""
        # Short: a Unix socket's path has room for 107 bytes.
        folder = self._place / f"{scenario.name}-{seed}-{time.monotonic_ns() % 1_000_000}"
        folder.mkdir()
        began = time.monotonic()
        world = World(
            program=self._program,
            data=self._data,
            references=self._references,
            folder=folder,
            seed=f"{seed}/{scenario.name}",
            limit=scenario.limit,
            verbose=self._verbose,
        )
        failure, figures = "", {}
        try:
            figures = scenario.run(world) or {}
        except Broken as broken:
            failure = str(broken)
        except Exception as error:
            failure = f"{type(error).__name__}: {error}"
            (folder / "traceback.txt").write_text(traceback.format_exc())
        if failure:
            world.note(f"FAILED: {failure}")
        world.close()
        kept = folder if failure else None
        if not failure:
            shutil.rmtree(folder)
        seconds = time.monotonic() - began
        return Verdict(scenario, seed, seconds, world.faults, world.peak_bytes, figures, failure, kept)


def tell(verdict: Verdict) -> None:
    """A line for a verdict on standard error, more for a failure."""
    figures = "".join(f", {name} {value}" for name, value in verdict.figures.items())
    word = "ok    " if verdict.passed else "FAILED"
    print(f"{word} {verdict.scenario.name}: {verdict.seconds:.1f} s, {verdict.faults} faults{figures}", file=sys.stderr)
    if not verdict.passed:
        print(f"       {verdict.failure}\n       logs: {verdict.folder}", file=sys.stderr)
        print(f"       replay: {verdict.replay}", file=sys.stderr)
