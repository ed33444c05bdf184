"""The rankings of ``summary.json`` on the terminal: one table overall, and a short one for each task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from epuredgm.cli.console import wide_console
from epuredgm.core.certainty import best_of, bias_in_words, floor_reach, legend_of, rank_span, reach
from epuredgm.core.metrics import ARROWS

Summary = Mapping[str, Any]

SCHEMA = 2
ROOMY = 110  # characters of a line from which on no word is cut
FIRST_COLUMNS, WITH_INTERVAL, ALONE = 34, 17, 12
"""Characters that place, model and mean rank take; one figure with its interval; one without."""


def print_standings(summary: Summary, console: Console | None = None) -> None:
    """Who is best overall and at each task, with intervals, what real designs reach, and who is set back.

    A summary that another version left, because a new one could not be made, is only named.
    """
    console = console or wide_console()
    if summary.get("schema") != SCHEMA:
        console.print("[yellow]note:[/] no rankings: another version wrote summary.json")
        return
    rankings = summary["all_rankings"]
    _print_overall(console, summary)
    _print_set_back(console, rankings["overall"])
    for mode in summary["tasks"]:
        if rankings[mode]["rows"]:
            console.print()
            _print_task(console, summary, mode)
    console.print()
    for warning in summary["warnings"]:
        console.print(f"[yellow]note:[/] {escape(warning)}")
    console.print(f"[dim]{escape(legend_of(summary))}[/]", highlight=False)
    console.print("[dim]All figures: results.csv; differences with their intervals: summary.json[/]")


def _print_overall(console: Console, summary: Summary) -> None:
    """The main ranking, and everybody's place at each task."""
    ranking, tasks = summary["all_rankings"]["overall"], summary["tasks"]
    metric = ranking["metric"]
    console.print(
        f"[bold]{summary['dataset']}[/]: overall by {_ruler(summary, metric)} ({escape(ranking['reason'])})"
    )
    table = _table("model", "runs")
    table.add_column(_head(summary, metric) if metric in summary["headlines"] else "mean rank ↓")
    for mode in tasks:
        table.add_column(mode if console.width >= ROOMY else f"{mode[:6]}.", justify="right")
    best = _best(summary, _mode_of(summary, metric), metric) if metric in summary["headlines"] else ()
    for row in ranking["rows"]:
        places = [_place(summary["all_rankings"][mode], row["model"]) for mode in tasks]
        runs = str(summary["model_aggregates"][row["model"]]["num_runs"])
        value = _bold(_number(row["value"]), row["model"] in best)
        value += f" {_ends(row['interval'])}" if row["interval"] else ""
        table.add_row(*_who(row), runs, value, *places)
    if metric in summary["headlines"]:
        aggregates = [each[metric] for each in summary["model_aggregates"].values()]
        table.add_row("", "[dim]real designs[/]", "", f"[dim]{_floor(aggregates)}[/]")
    console.print(table)


def _print_task(console: Console, summary: Summary, mode: str) -> None:
    """One task: mean rank and the figures behind it, with intervals if there is room for them."""
    ranking, aggregates = summary["all_rankings"][mode], summary["tasks"][mode]
    rows = ranking["rows"]
    honest = [row for row in rows if not row["set_back"]]
    ahead = honest if len(honest) > 1 else rows
    telling = [name for name in ranking["over"] if len({row["places"][name] for row in ahead}) > 1]
    whole = FIRST_COLUMNS + len(telling) * WITH_INTERVAL <= console.width
    room = len(telling) if whole else max(1, (console.width - FIRST_COLUMNS) // ALONE)
    names, left_out = telling[:room], telling[room:]
    console.print(f"[bold]{mode}[/]: {escape(ranking['reason'])}")
    table = _table("model")
    table.add_column("mean rank ↓", max_width=6)
    for name in names:
        table.add_column(
            _head(summary, name), justify="right", max_width=(WITH_INTERVAL if whole else ALONE) - 2
        )
    best = {name: _best(summary, mode, name) for name in names}
    for row in rows:
        own = aggregates[row["model"]]
        figures = [_figure(own[name], whole, row["model"] in best[name]) for name in names]
        table.add_row(*_who(row), _number(row["value"]), *figures)
    floors = [_floor([aggregates[row["model"]][name] for row in rows]) for name in names]
    table.add_row("", "[dim]real designs[/]", "", *(f"[dim]{floor}[/]" for floor in floors))
    console.print(table)
    level = [name for name in ranking["over"] if name not in telling]
    notes = [f"nobody ahead on {_titles(summary, level)}"] if level and len(rows) > 1 else []
    notes += [] if whole else ["no room for intervals"]
    notes += [f"no room for {_titles(summary, left_out)}"] if left_out else []
    if notes:
        console.print(escape(f"({'; '.join(notes)})"))
    _print_bias(console, summary, mode)
    _print_set_back(console, ranking)


def _print_bias(console: Console, summary: Summary, mode: str) -> None:
    """Which way each error goes, a condition a line."""
    aggregates = summary["tasks"][mode]
    for name, about in summary["headlines"].items():
        if not about.get("beside"):
            continue
        told = []
        for row in summary["all_rankings"][mode]["rows"]:
            figure = aggregates[row["model"]].get(name, {"mean": None})
            if figure["mean"] is not None:
                words = bias_in_words(figure["mean"], figure["interval"], about)
                ends = "[{:.3g}, {:.3g}]".format(*figure["interval"]) if figure["interval"] else ""
                told.append(f"{row['model']} {words} {ends}".rstrip())
        if told:
            console.print(escape(f"{about['title']}: {'; '.join(told)}"), highlight=False)


def _print_set_back(console: Console, ranking: Mapping[str, Any]) -> None:
    for row in ranking["rows"]:
        if row["set_back"]:
            console.print(f"[yellow]set back:[/] {escape(row['model'])}: {escape(row['set_back'])}")


def _table(*columns: str) -> Table:
    table = Table(header_style="bold", box=None)
    for column in ("", *columns):
        table.add_column(column, no_wrap=column == "model")
    return table


def _head(summary: Summary, name: str) -> str:
    """What a figure is called, its unit, and which way is better."""
    about = summary["headlines"][name]
    unit = f" [{about['unit']}]" if about["unit"] else ""
    return escape(f"{about['title']}{unit} {ARROWS[about['better']]}".rstrip())


def _ruler(summary: Summary, metric: str) -> str:
    """What ranks, in words."""
    known = metric in summary["headlines"]
    return escape(summary["headlines"][metric]["title"]) if known else metric.replace("_", " ")


def _titles(summary: Summary, names: Sequence[str]) -> str:
    return "; ".join(summary["headlines"][name]["title"] for name in names)


def _who(row: Mapping[str, Any]) -> Sequence[str]:
    model, span = escape(row["model"]), rank_span(row.get("rank_interval"))
    rank = f"{row['rank']} [dim]{span}[/]" if span else str(row["rank"])
    return rank, f"[dim]{model}[/]" if row["set_back"] else model


def _place(ranking: Mapping[str, Any], model: str) -> str:
    return next((str(row["rank"]) for row in ranking["rows"] if row["model"] == model), "-")


def _best(summary: Summary, mode: str, name: str) -> frozenset[str]:
    """The models whose value of a figure is bold."""
    own = {model: each.get(name, {}).get("mean") for model, each in summary["tasks"].get(mode, {}).items()}
    values = {model: mean for model, mean in own.items() if mean is not None}
    pairs = summary["differences"].get(mode, {}).get(name, ())
    return best_of(values, summary["headlines"][name]["better"], pairs)


def _mode_of(summary: Summary, metric: str) -> str:
    """The task that all models' overall figure was read from; empty if there is no such one."""
    modes = {str(own[metric]["mode"]) for own in summary["model_aggregates"].values()}
    return next(iter(modes)) if len(modes) == 1 else ""


def _bold(text: str, best: bool) -> str:
    return f"[bold]{text}[/]" if best else text


def _figure(aggregate: Mapping[str, Any], whole: bool, best: bool) -> str:
    """A mean, and how far its interval reaches if that is wanted."""
    beyond = reach(aggregate["mean"], aggregate["interval"]) if whole else None
    return _bold(_number(aggregate["mean"]), best) + ("" if beyond is None else f" ±{beyond:.2g}")


def _floor(aggregates: Sequence[Mapping[str, Any]]) -> str:
    """What real designs reach against real designs, the same for all models of a study."""
    known: Iterator[Mapping[str, Any]] = (each for each in aggregates if each["floor"] is not None)
    first = next(known, None)
    if first is None:
        return ""
    beyond = floor_reach(first["floor_std"])
    return _number(first["floor"]) + (f" ±{beyond:.2g}" if beyond else "")


def _ends(interval: Sequence[float]) -> str:
    low, high = interval
    return escape(f"[{_number(low)}, {_number(high)}]")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"
