"""A comparison on the terminal, or as Markdown: the same rows either way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from epuredgm.cli.console import answer, wide_console
from epuredgm.core.certainty import SAMPLING, bias_in_words, legend, reach
from epuredgm.core.metrics import ARROWS

Group = Mapping[str, Any]

SHOWN_SETTINGS = 15
LONGEST = 16  # characters of a side's name in the head of a column
STYLES = {"better": "green", "worse": "red"}


def print_comparison(comparison: Mapping[str, Any], *, everything: bool, markdown: bool) -> None:
    """Every group as a table.

    Args:
        comparison: what :mod:`epuredgm.stages.compare_tool` made, with the ``settings`` of each group.
        everything: every headline, not only those that rank; and of several groups also what is level.
        markdown: for a paper or an issue.
    """
    several = len(comparison["groups"]) > 1
    labels = _labels(comparison["sides"])
    if markdown:
        legend = "".join(f"- {label}: `{name}`\n" for name, label in labels.items() if label != name)
        tables = [_markdown(_named(group, labels), everything, several) for group in comparison["groups"]]
        answer("\n\n".join([*([legend] if legend else []), _says(comparison), *tables]))
        return
    console = wide_console()
    for name, label in labels.items():
        if label != name:
            console.print(f"[bold]{label}[/] {escape(name)}")
    for each in comparison["groups"]:
        group = _named(each, labels)
        heads, rows, left_out = _rows(group, everything, several)
        console.print(f"[bold]{escape(_title(group))}[/]")
        console.print(_table(heads, rows))
        if left_out:
            console.print(_caption(left_out))
        for name, lines in group["settings"].items():
            for line in _few(lines):
                console.print(f"[dim]{escape(name)}:[/] {escape(line)}")
        console.print()
    for warning in comparison["warnings"]:
        console.print(f"[yellow]note:[/] {escape(warning)}")
    console.print(f"[dim]{escape(_says(comparison))}[/]", highlight=False)


def _says(comparison: Mapping[str, Any]) -> str:
    """What intervals hold, and when a side is said to be better."""
    noise = comparison["noise"]
    rule = "No side is said to be better or worse: one training each does not tell."
    if noise != SAMPLING:
        rule = (
            "Better and worse are said where sides are told apart, with p values adjusted (Holm) for all "
            "that is compared in a task."
        )
    return f"{legend(comparison['confidence'], noise)} {rule}"


def _labels(sides: Sequence[str]) -> dict[str, str]:
    """Names for the heads of columns: letters where a name is a long path."""
    if all(len(name) <= LONGEST for name in sides):
        return {name: name for name in sides}
    return {name: chr(ord("A") + i) if i < 26 else f"#{i + 1}" for i, name in enumerate(sides)}


def _named(group: Group, labels: Mapping[str, str]) -> Group:
    """The group with its sides under their labels."""

    def rename(content: Mapping[str, Any]) -> dict[str, Any]:
        return {labels[name]: each for name, each in content.items()}

    tasks = {
        mode: [
            {**row, "values": rename(row["values"]), "differences": rename(row["differences"])}
            for row in rows
        ]
        for mode, rows in group["tasks"].items()
    }
    return {"models": rename(group["models"]), "tasks": tasks, "settings": rename(group["settings"])}


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(header_style="bold", box=None)
    for head in heads:
        table.add_column(escape(head), justify="left" if head in heads[:2] else "right")
    for row in rows:
        table.add_row(*(_styled(cell) for cell in row))
    return table


def _markdown(group: Group, everything: bool, several: bool) -> str:
    heads, rows, left_out = _rows(group, everything, several)
    marks = ["---" if head in heads[:2] else "---:" for head in heads]
    lines = [f"**{_title(group)}**", "", *(_line(cells) for cells in (heads, marks, *rows))]
    if left_out:
        lines += ["", _caption(left_out)]
    for name, settings in group["settings"].items():
        if settings:
            lines += ["", f"{name} against the first:", "", *(f"- {line}" for line in _few(settings))]
    return "\n".join(lines)


def _rows(group: Group, everything: bool, several: bool) -> tuple[list[str], list[list[str]], int]:
    """Column heads, rows of cells, and how many figures were left out."""
    first, *others = group["models"]
    heads = ["task", "figure", first]
    for name in others:
        heads += [name, f"{name} − {first}"]
    shown, left_out = [], 0
    for mode, figures in group["tasks"].items():
        for figure in figures:
            told = any(_stands_out(each) for each in figure["differences"].values())
            if everything or (told if several else figure["ranked"]):
                shown.append([mode, _name(figure), *_cells(figure, first, others)])
            else:
                left_out += 1
    return heads, shown, left_out


def _cells(figure: Group, first: str, others: Sequence[str]) -> Iterator[str]:
    yield _value(figure["values"][first], figure)
    for name in others:
        yield _value(figure["values"][name], figure)
        yield _difference(figure["differences"].get(name))


def _title(group: Group) -> str:
    models = list(dict.fromkeys(group["models"].values()))
    return models[0] if len(models) == 1 else " against ".join(models)


def _name(figure: Group) -> str:
    unit = f" [{figure['unit']}]" if figure["unit"] else ""
    return f"{figure['title']}{unit} {ARROWS[figure['better']]}".rstrip()


def _stands_out(told: Group) -> bool:
    """Whether a difference is worth a line where most are left out: told apart, or beyond its own
    interval."""
    interval = told["interval"]
    return bool(told["verdict"]) or (interval is not None and (interval[0] > 0 or interval[1] < 0))


def _value(aggregate: Group | None, about: Group) -> str:
    """A mean, and how far its interval reaches; of a signed error in words."""
    if aggregate is None or aggregate["mean"] is None:
        return "-"
    value, comma, rest = f"{aggregate['mean']:.3g}", "", ""
    if about.get("beside"):
        words = bias_in_words(aggregate["mean"], aggregate["interval"], about)
        value, comma, rest = words.partition(",")
    beyond = reach(aggregate["mean"], aggregate["interval"])
    return f"{value}{'' if beyond is None else f' ±{beyond:.2g}'}{comma}{rest}"


def _difference(told: Group | None) -> str:
    if told is None:
        return "-"
    if told["interval"] is None:
        return f"{told['difference']:+.3g}"
    low, high = told["interval"]
    verdict = f" {told['verdict']}" if told["verdict"] else ""
    return f"{told['difference']:+.3g} [{low:.2g}, {high:.2g}]{verdict}"


def _styled(cell: str) -> str:
    verdict = cell.rpartition(" ")[2]
    return f"[{STYLES[verdict]}]{escape(cell)}[/]" if verdict in STYLES else escape(cell)


def _caption(left_out: int) -> str:
    return f"({left_out} more figures: --all)" if left_out else ""


def _few(lines: Sequence[str]) -> list[str]:
    more = len(lines) - SHOWN_SETTINGS
    return [*lines[:SHOWN_SETTINGS], *([f"... and {more} more settings: --json"] if more > 0 else [])]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
