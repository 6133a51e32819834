"""Markdown tables and the few statistics the benchmarks print. Standard library only."""

import statistics


def markdown(header, rows):
    """Columns are padded, so that the table reads well in a terminal too; the first is left-aligned."""
    cells = [[str(cell) for cell in row] for row in [header, *rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]

    def line(row):
        padded = [cell.ljust(width) if not column else cell.rjust(width)
                  for column, (cell, width) in enumerate(zip(row, widths))]
        return f"| {' | '.join(padded)} |"

    ruler = [":" + "-" * (widths[0] - 1), *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join([line(cells[0]), f"| {' | '.join(ruler)} |", *(line(row) for row in cells[1:])])


def spread(values):
    """min / median / max in whole numbers."""
    return f"{min(values):,.0f} / {statistics.median(values):,.0f} / {max(values):,.0f}"


def verdict(value, bar, at_least=True):
    """Whether a figure reaches its bar, in words for a table."""
    met = value >= bar if at_least else value <= bar
    return "yes" if met else "NO"
