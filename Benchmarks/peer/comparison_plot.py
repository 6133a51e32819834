"""Draws images/s over batch size, a panel per network and architecture, with the limit that arithmetic sets."""

import statistics

from . import architectures, contestants

# Okabe and Ito's palette, told apart with any colour vision; ours filled marks and solid lines,
# PyTorch's open and dashed.
STYLES = {
    contestants.TWO_WORKERS.name: ("#D55E00", "o", "ours, 2 workers"),
    contestants.TWO_THREADS.name: ("#E69F00", "D", "ours, in process, 2 threads"),
    contestants.ONE_WORKER.name: ("#CC79A7", "s", "ours, 1 worker"),
    contestants.IN_PROCESS.name: ("#8C5A2B", "^", "ours, in process, 1 thread"),
    contestants.DDP.name: ("#0072B2", "o", "PyTorch DDP gloo, 2 processes"),
    contestants.DDP_COMPILED.name: ("#0072B2", "P", "PyTorch DDP gloo, compiled"),
    contestants.EAGER_TWO.name: ("#56B4E9", "D", "PyTorch eager, 2 threads"),
    contestants.COMPILED.name: ("#009E73", "v", "PyTorch compiled, 2 threads"),
    contestants.EAGER_ONE.name: ("#555555", "^", "PyTorch eager, 1 thread"),
}
OURS = {contestant.name for contestant in contestants.OURS}


def draw(outcomes, path):
    """Writes the plot; the file's ending chooses PNG, SVG or PDF."""
    try:
        import matplotlib
    except ImportError:
        raise SystemExit("no plot: matplotlib is not in Benchmarks/.venv and could not be installed") from None
    matplotlib.use("Agg")
    from matplotlib import pyplot

    groups = {}
    for outcome in outcomes:
        groups.setdefault((outcome.case.network, outcome.case.architecture), []).append(outcome)
    networks = sorted({network for network, _ in groups}, reverse=True)
    sizes = [size for size in architectures.ARCHITECTURES if any(size == other for _, other in groups)]
    pyplot.rcParams.update(
        {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "svg.fonttype": "none"})
    figure, axes = pyplot.subplots(
        len(networks), len(sizes), figsize=(max(7.2, 1.2 + 3.6 * len(sizes)), 1.2 + 2.9 * len(networks)), squeeze=False,
        sharex=True, sharey="col", layout="constrained")
    # All panels share them, whatever each of them has measured.
    batches = sorted({outcome.case.batch for outcome in outcomes})
    for row, network in enumerate(networks):
        for column, size in enumerate(sizes):
            panel(axes[row][column], network, size, groups.get((network, size), []), batches)
        axes[row][0].set_ylabel("images trained per second")
    for axis in axes[-1]:
        axis.set_xlabel("batch (examples)")
    legend(figure, axes)
    figure.savefig(path, dpi=170)
    pyplot.close(figure)


def panel(axis, network, architecture, outcomes, batches):
    outcomes = sorted(outcomes, key=lambda outcome: outcome.case.batch)
    axis.set_xscale("log", base=2)
    axis.set_yscale("log")
    axis.set_title(f"{network}, {architecture}", fontsize=9, loc="left", fontweight="bold")
    axis.grid(True, which="major", color="#DDDDDD", linewidth=0.6)
    axis.grid(True, which="minor", axis="y", color="#F0F0F0", linewidth=0.4)
    axis.set_axisbelow(True)
    for name, (colour, marker, label) in STYLES.items():
        measured = [outcome for outcome in outcomes if outcome.median(name)]
        if measured:
            line(axis, name, colour, marker, label, measured)
    peaks = [outcome.peak for outcome in outcomes if outcome.peak]
    if peaks:
        limits(axis, statistics.median(peaks) * 1e9 / architectures.flops_per_trained_image(architecture))
    axis.set_xlim(min(batches) / 1.25, max(batches) * 1.25)
    axis.set_xticks(batches, [str(batch) for batch in batches])
    axis.xaxis.minorticks_off()
    ticks(axis)


def ticks(axis):
    """1, 2 and 5 of each decade as plain numbers."""
    from matplotlib import ticker

    axis.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axis.yaxis.set_minor_formatter(ticker.NullFormatter())


def line(axis, name, colour, marker, label, outcomes):
    """Medians, with bars from the slowest to the fastest repeat."""
    medians = [outcome.median(name) for outcome in outcomes]
    below = [median - min(outcome.speeds(name)) for median, outcome in zip(medians, outcomes)]
    above = [max(outcome.speeds(name)) - median for median, outcome in zip(medians, outcomes)]
    ours = name in OURS
    axis.errorbar(
        [outcome.case.batch for outcome in outcomes], medians, yerr=[below, above], label=label, color=colour,
        marker=marker, markersize=4.5, markerfacecolor=colour if ours else "white", linewidth=1.6 if ours else 1.2,
        linestyle="-" if ours else (0, (4, 2)), elinewidth=0.8, capsize=2)


def limits(axis, one_core):
    """What the cores' fused multiply-adds allow, if they did nothing else."""
    for cores, style in ((2, "-"), (1, ":")):
        axis.axhline(cores * one_core, color="black", linewidth=1, linestyle=style,
                     label=f"FMA peak, {cores} core{'s' if cores > 1 else ''}")


def legend(figure, axes):
    handles = {}
    for axis in axes.flat:
        for handle, label in zip(*axis.get_legend_handles_labels()):
            handles.setdefault(label, handle)
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=3, frameon=False, fontsize=8)
