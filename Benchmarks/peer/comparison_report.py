"""The comparison in words and tables (Markdown), and the bars that it is judged by. Standard library only."""

import dataclasses
import itertools

from . import architectures, contestants, tables


@dataclasses.dataclass(frozen=True)
class Bar:
    """What the project asks of itself: a figure of one case, at least this."""

    what: str
    measured: float
    at_least: float
    stretch: float

    @property
    def met(self):
        return self.measured >= self.at_least

    @property
    def verdict(self):
        return "missed" if not self.met else "met" if self.measured < self.stretch else "met, and the stretch"


# DDP at its best, for each case.
DDP = (contestants.DDP.name, contestants.DDP_COMPILED.name)
# architecture, batch: 2 workers / PyTorch DDP, at least and stretch
RATIO_BARS = {
    ("seed", 32): (10, 15), ("seed", 256): (8, 10), ("wide", 32): (3.5, 4.5), ("wide", 256): (2.8, 3.5)}
PEAK_BAR = (60, 75)  # per cent of one core's FMA peak
SCALING_BAR = (1.85, 1.95)
JUDGED_NETWORK, SCALING_BATCH = "siamese-contrastive", 256


def bars(outcomes):
    """The bars that these outcomes can judge."""
    judged = [outcome for outcome in outcomes if outcome.case.network == JUDGED_NETWORK]
    found = [bar for outcome in judged for bar in bars_of(outcome)]
    return [Bar(what, figure, *limits) for what, figure, limits in found if figure is not None]


def bars_of(outcome):
    architecture, batch = outcome.case.architecture, outcome.case.batch
    two, one, alone, threads = (contestant.name for contestant in contestants.OURS)
    if (architecture, batch) in RATIO_BARS:
        yield (f"2 workers / PyTorch DDP, {architecture}, batch {batch}", outcome.ratio(two, *DDP),
               RATIO_BARS[architecture, batch])
    if batch == SCALING_BATCH:
        yield f"one core, % of FMA peak, {architecture}, batch {batch}", percent_of_peak(outcome, alone), PEAK_BAR
        yield f"2 threads / 1 thread, {architecture}, batch {batch}", outcome.ratio(threads, alone), SCALING_BAR
        if architecture == "seed":
            yield f"2 workers / 1 worker, {architecture}, batch {batch}", outcome.ratio(two, one), SCALING_BAR


def percent_of_peak(outcome, name):
    """Of the cores that this contestant may use."""
    if outcome.median(name) is None or outcome.peak is None:
        return None
    flops = architectures.flops_per_trained_image(outcome.case.architecture)
    return 100 * outcome.median(name) * flops / (contestants.ALL[name].cores * outcome.peak * 1e9)


def bars_table(found):
    rows = [[bar.what, f"{bar.measured:.2f}", bar.at_least, bar.stretch, bar.verdict] for bar in found]
    return tables.markdown(["bar", "measured", "at least", "stretch", ""], rows)


def report(records, outcomes):
    """Everything, as Markdown."""
    parts = [machines(records)]
    group_of = lambda outcome: (outcome.case.network, outcome.case.architecture)
    for (network, architecture), group in itertools.groupby(sorted(outcomes, key=group_of), group_of):
        group = sorted(group, key=lambda outcome: outcome.case.batch)
        flops = architectures.flops_per_trained_image(architecture) / 1e6
        parts.append(f"### {network}, {architecture} architecture\n\nImages trained a second, median; "
                     f"{flops:.2f} MFLOP per trained image.")
        parts.append(overview(group))
        parts += [details(outcome) for outcome in group]
        parts.append(settings(group))
    found = bars(outcomes)
    if found:
        parts.append("### Bars\n\n" + bars_table(found))
    return "\n\n".join(part for part in parts if part) + "\n"


def machines(records):
    started = [record for record in records if record["kind"] == "machine"]
    lines = dict.fromkeys(
        f"{machine['processor']}, {machine['cores']} cores; PyTorch {machine['torch']}" for machine in started)
    text = "\n".join(lines)
    if any(machine["busy"] for machine in started):
        text += "\n\n**The machine was busy at the start: do not quote these figures.**"
    if len({machine["program"] for machine in started} - {None}) > 1:
        text += "\n\n**Measured with different builds of `siamese`: do not quote these figures.**"
    return text


def overview(group):
    """Contestants × batches."""
    names = [name for name in contestants.ALL if any(name in outcome.names() for outcome in group)]
    rows = [[name, *(number(outcome.median(name)) for outcome in group)] for name in names]
    two, pytorch = contestants.TWO_WORKERS.name, [peer.name for peer in contestants.PYTORCH]
    rows += [[what, *(number(outcome.ratio(two, *peers), 2) for outcome in group)]
             for what, peers in (("2 workers ÷ faster DDP", DDP), ("2 workers ÷ fastest PyTorch", pytorch))]
    return tables.markdown(["batch", *(outcome.case.batch for outcome in group)], rows)


def number(value, digits=0):
    return "–" if value is None else f"{value:,.{digits}f}"


def details(outcome):
    rows = []
    for name in outcome.names():
        rows.append([
            name, tables.spread(outcome.speeds(name)), f"{1e6 / outcome.median(name):,.1f}",
            f"{1e6 * outcome.cpu_seconds_per_image(name):,.1f}", number(percent_of_peak(outcome, name), 1),
            number(outcome.ratio(name, *DDP), 2)])
    header = [f"batch {outcome.case.batch}", "images/s: min / median / max", "wall µs/image", "CPU µs/image",
              "% of FMA peak", "÷ faster DDP"]
    lines = [tables.markdown(header, rows)]
    if outcome.peak:
        lines.append(f"FMA peak {outcome.peak:.0f} GFLOP/s per core. Medians of {repeats(outcome)}.")
    for steps, digests in outcome.digests().items():
        lines.append(f"Weights of all our runs after {steps} steps: {' ≠ '.join(sorted(digests))}")
    if outcome.void:
        lines.append("**Void: our runs ended with different weights.**")
    lines += [f"{record['contestant']} does not work here: {record['reason']}" for record in outcome.of("unavailable")]
    return "\n\n".join(lines)


def repeats(outcome):
    counts = sorted({len(outcome.speeds(name)) for name in outcome.names()})
    return "–".join(str(count) for count in dict.fromkeys((counts[0], counts[-1])))


def settings(group):
    """What each PyTorch contestant was measured with, and the warm-up that is not counted."""
    found = {(record["contestant"], record["batch"]): record for outcome in group for record in outcome.of("settings")}
    if not found:
        return ""
    order = lambda key: (list(contestants.ALL).index(key[0]), key[1])
    rows = [[*key, found[key]["label"], f"{found[key]['warm_up_seconds']:.1f}", gained(found[key])]
            for key in sorted(found, key=order)]
    header = ["", "batch", "best of those tried", "warm-up, s", "tried: first → best, images/s"]
    return "PyTorch's settings:\n\n" + tables.markdown(header, rows)


def gained(record):
    """What the search of a tuned contestant began with and came to; an earlier batch's settings were not searched."""
    speeds = [speed for _, speed in record["trials"] if speed is not None]
    return f"{speeds[0]:,.0f} → {max(speeds):,.0f}" if speeds else ""
