"""The report of a campaign as Markdown. Only words: judging is done."""

from .runner import Verdict


def _megabytes(verdict: Verdict, role: str) -> str:
    peak = verdict.peak_bytes.get(role, 0)
    return f"{peak / 1e6:.0f}" if peak else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def report(verdicts: list[Verdict], heading: str) -> str:
    """A table with a line per run of a scenario, then the failures with their commands."""
    failures = [verdict for verdict in verdicts if not verdict.passed]
    lines = [
        heading,
        "",
        f"{len(verdicts)} runs of scenarios, {sum(verdict.faults for verdict in verdicts)} faults, {len(failures)} failed.",
        "",
        "| scenario | seed | faults | s | coordinator, MB | worker, MB | figures | |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for verdict in verdicts:
        figures = "; ".join(f"{name}: {value}" for name, value in verdict.figures.items())
        coordinator = _megabytes(verdict, "coordinator") or _megabytes(verdict, "train")
        cells = [verdict.scenario.name, verdict.seed, verdict.faults, f"{verdict.seconds:.1f}", coordinator]
        cells += [_megabytes(verdict, "worker"), _cell(figures), "ok" if verdict.passed else "**failed**"]
        lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    for verdict in failures:
        lines += ["", f"* `{verdict.replay}`: {_cell(verdict.failure)}"]
    return "\n".join(lines) + "\n"
