"""Tables of medians, and ratios of them."""

import statistics
from collections.abc import Callable


def alternate(
    participants: dict[str, Callable[[], dict]], rounds: int
) -> dict[str, dict[str, list[float]]]:
    """Runs A B C A B C ..., so that a slow minute of the machine falls on all of them. The
    figures of every participant by their names."""
    figures: dict[str, dict[str, list[float]]] = {name: {} for name in participants}
    for number in range(rounds):
        for name, measure in participants.items():
            for figure, value in measure().items():
                figures[name].setdefault(figure, []).append(value)
            print(f"  round {number + 1}/{rounds}: {name}", flush=True)
    return figures


def median(values: list[float]) -> float:
    return statistics.median(values)


def number(value: float) -> str:
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def spread(values: list[float]) -> str:
    if len(values) == 1:
        return number(values[0])
    return f"{number(median(values))} ({number(min(values))} to {number(max(values))})"


def show(title: str, head: list[str], rows: list[list[str]]) -> None:
    print(f"\n{title}\n")
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    for row in [head, ["-" * width for width in widths], *rows]:
        cells = [
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("| " + " | ".join(cells) + " |", flush=True)
    print()


def show_figures(title: str, columns: dict[str, str], figures: dict) -> None:
    """One row for each participant; `columns` is figure -> heading."""
    rows = [
        [name, *(spread(values[figure]) if figure in values else "" for figure in columns)]
        for name, values in figures.items()
    ]
    show(title, ["median (from to)", *columns.values()], rows)


def show_ratios(ratios: list[tuple[str, float, str]]) -> None:
    """What, the ratio, what was aimed at."""
    rows = [[what, f"{ratio:.2f}", aim] for what, ratio, aim in ratios]
    show("Ratios of medians", ["", "reached", "aim"], rows)
