"""The command line of `scripts/chaos`."""

import argparse
import os
import pathlib
import platform
import secrets
import shutil
import sys
import tempfile
import time

from . import scenarios  # registers them
from .registry import SCENARIOS, Scenario
from .report import report
from .runner import Runner, Verdict, tell

# After so many a campaign ends: either all is broken, or something took the ground from under it.
MOST_FAILURES = 20
ROOT = pathlib.Path(__file__).resolve().parents[2]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/chaos",
        description="Real faults against real processes of the built program. Every run must end with the bits of the fault-free one.",
    )
    parser.add_argument("--list", action="store_true", help="name the scenarios and end")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="only these scenarios")
    parser.add_argument("--seed", type=int, help="where all random decisions come from (default: a fresh one, printed)")
    parser.add_argument("--minutes", type=float, help="a soak: random scenarios, one after the other, for so long")
    parser.add_argument("--quick", action="store_true", help="the short form of CI: under 90 s on two cores, needs no root")
    parser.add_argument("--report", type=pathlib.Path, metavar="FILE", help="write a table in Markdown")
    parser.add_argument("--verbose", action="store_true", help="show every fault as it is injected")
    parser.add_argument(
        "--program", type=pathlib.Path, default=ROOT / ".build/release/siamese", help="(default: %(default)s)"
    )
    options = parser.parse_args()
    for name in options.only or []:
        if name not in SCENARIOS:
            parser.error(f"there is no scenario '{name}'; --list names them")
    if not options.list and not os.access(options.program, os.X_OK):
        parser.error(f"there is no program {options.program}; build it with  swift build -c release --product siamese")
    return options


def _chosen(options: argparse.Namespace) -> list[Scenario]:
    """The scenarios that were asked for. One that was named runs in any case; others only where they can."""
    if options.only:
        return [SCENARIOS[name] for name in options.only]
    chosen = [each for each in SCENARIOS.values() if each.quick or not options.quick]
    if options.minutes is not None:
        chosen = [each for each in chosen if not each.measures]
    if os.geteuid() != 0:
        for each in chosen:
            if each.needs_root:
                print(f"not run, needs root: {each.name}", file=sys.stderr)
        chosen = [each for each in chosen if not each.needs_root]
    return chosen


def _campaign(runner: Runner, options: argparse.Namespace, seed: int) -> list[Verdict]:
    verdicts = []

    def run(scenario: Scenario, seed: int) -> None:
        verdicts.append(runner.run(scenario, seed))
        tell(verdicts[-1])

    chosen = _chosen(options)
    if options.minutes is None:
        for scenario in chosen:
            run(scenario, seed)
        return verdicts
    end = time.monotonic() + options.minutes * 60

    def goes_on() -> bool:
        return time.monotonic() < end and sum(not verdict.passed for verdict in verdicts) < MOST_FAILURES

    while goes_on():
        # Each round all scenarios, in another order and with another seed: rare ones come too.
        for scenario in scenarios.shuffled(chosen, seed):
            if goes_on():
                run(scenario, seed)
        seed += 1
    return verdicts


def _marks(scenario: Scenario) -> list[tuple[str, bool]]:
    return [("(quick)", scenario.quick), ("(root)", scenario.needs_root), ("(measures)", scenario.measures)]


def main() -> int:
    options = _arguments()
    if options.list:
        for scenario in SCENARIOS.values():
            marks = " ".join(word for word, is_so in _marks(scenario) if is_so)
            print(f"{scenario.name:26} {scenario.about} {marks}")
        return 0
    seed = options.seed if options.seed is not None else secrets.randbelow(1_000_000)
    place = pathlib.Path(tempfile.mkdtemp(prefix="siamese-chaos-"))
    print(f"seed {seed}, folder {place}", file=sys.stderr)
    began = time.monotonic()
    verdicts = _campaign(Runner(options.program.resolve(), place, options.verbose), options, seed)
    failed = [verdict for verdict in verdicts if not verdict.passed]
    print(
        f"{len(verdicts)} scenarios, {len(failed)} failed, {time.monotonic() - began:.0f} s, seed {seed}", file=sys.stderr
    )
    if options.report:
        words = "scripts/chaos " + " ".join(sys.argv[1:])
        machine = f"{os.cpu_count()} cores, Linux {platform.release()}"
        heading = f"`{words}` on {time.strftime('%Y-%m-%d')}, {machine}, seed {seed}, {time.monotonic() - began:.0f} s"
        options.report.write_text(report(verdicts, heading))
    if not failed:
        shutil.rmtree(place)
    return 1 if failed or not verdicts else 0


if __name__ == "__main__":
    sys.exit(main())
