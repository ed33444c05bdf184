"""The plain tables of a report: costs, what was learned, what is missing, settings, glossary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from epuredgm.core.files import flatten
from epuredgm.reporting.numbers import NOTHING, duration, scaled, short
from epuredgm.reporting.study import Family, Study
from epuredgm.reporting.tables import Cell, Head, Table, better_in_words, label_of

LONGEST = 16  # numbers of a list that is shown whole


def cost_table(study: Study) -> Table:
    """A family a line: parameters, time, memory."""
    heads = (
        Head("Family", numeric=False),
        Head("Parameters"),
        Head("Training", "mean over seeds"),
        Head("Peak memory", "training"),
        Head("Device memory", "training"),
        Head("1000 designs", "mean over modes"),
        Head("Evaluations", "of the network"),
        Head("Device", numeric=False),
    )
    return Table("Cost", heads, tuple(_cost_row(family) for family in study.families))


def _cost_row(family: Family) -> tuple[Cell, ...]:
    first = family.runs[0].cost
    times = [run.cost.training_seconds for run in family.runs if run.cost.training_seconds is not None]
    seconds = sum(times) / len(times) if times else None
    devices = {first.device, *(draw.device for draw in first.draws)} - {""}
    return (
        Cell(family.model, key=family.model, model=family.model),
        Cell(scaled(first.parameters), key=first.parameters),
        Cell(duration(seconds), key=seconds),
        Cell(scaled(first.peak_memory, "B"), key=first.peak_memory),
        Cell(scaled(first.peak_device_memory, "B"), key=first.peak_device_memory),
        Cell(duration(first.seconds_per_1000), key=first.seconds_per_1000),
        Cell(short(first.evaluations), key=first.evaluations),
        Cell(", ".join(sorted(devices)) or NOTHING),
    )


def learned_tables(family: Family) -> tuple[Table, ...]:
    """What the family's first run told of what it learned, as tables of the shape that it has."""
    return tuple(_learned(name, content) for name, content in _groups(family.runs[0].learned))


def _groups(learned: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Plain numbers together, everything else by its own name."""
    plain = {name: each for name, each in learned.items() if not isinstance(each, (Mapping, list))}
    if plain:
        yield "figures", plain
    for name, each in learned.items():
        if isinstance(each, (Mapping, list)) and each:
            yield name, each


def _learned(name: str, content: Any) -> Table:
    title = name.replace("_", " ")
    rows = content if isinstance(content, Mapping) else {str(k + 1): each for k, each in enumerate(content)}
    columns = list(dict.fromkeys(key for each in rows.values() for key in _parts(each)))
    heads = (Head("", numeric=False), *(Head(column.replace("_", " ")) for column in columns))
    body = []
    for key, each in rows.items():
        parts = _parts(each)
        cells = [_value(parts[column]) if column in parts else Cell("") for column in columns]
        body.append((Cell(str(key).replace("_", " ")), *cells))
    return Table(title, heads, tuple(body), sortable=False)


def _parts(content: Any) -> dict[str, Any]:
    """One row's cells by column."""
    if isinstance(content, Mapping):
        return {str(key): each for key, each in content.items()}
    if isinstance(content, list):
        return {str(k + 1): each for k, each in enumerate(content[:LONGEST])}
    return {"value": content}


def _value(content: Any) -> Cell:
    if isinstance(content, bool) or not isinstance(content, (int, float)):
        return Cell(str(content))
    return Cell(short(float(content)), key=float(content))


# what is missing ------------------------------------------------------------------------------------------


def trouble_table(study: Study) -> Table | None:
    """Jobs that did not end well."""
    if not study.troubles:
        return None
    heads = tuple(Head(name, numeric=False) for name in ("Job", "Status", "What happened", "Log"))
    rows = tuple(
        (Cell(each.job), Cell(each.status, tone="bad"), Cell(each.error), Cell(each.log or NOTHING))
        for each in study.troubles
    )
    return Table("Jobs that did not end well", heads, rows, sortable=False)


def missing_table(study: Study) -> Table | None:
    """Figures that do not exist, with the reason; families that share both are named together."""
    everyone = set(study.models)
    found: dict[tuple[str, str], dict[str, list[str]]] = {}
    for task, block in study.summary["tasks"].items():
        for model, figures in block.items():
            for name in study.summary["headlines"]:
                each = figures.get(name)
                if each is not None and each["mean"] is None:
                    tasks = found.setdefault((name, str(each.get("reason", "no reason given"))), {})
                    tasks.setdefault(task, []).append(str(model))
    rows = []
    for (name, reason), tasks in found.items():
        models = sorted({model for each in tasks.values() for model in each})
        who = "every family" if set(models) == everyone else ", ".join(models)
        title = Cell(label_of(study.summary, name), name)
        rows.append((title, Cell(", ".join(tasks)), Cell(who), Cell(reason)))
    heads = tuple(Head(name, numeric=False) for name in ("Figure", "Task", "Family", "Reason"))
    return Table("Figures that do not exist", heads, tuple(rows), sortable=False) if rows else None


# how it was made ------------------------------------------------------------------------------------------


def run_table(study: Study) -> Table:
    """A run a line: seed, versions, fingerprints, folder."""
    names = ("Family", "Seed", "Profile", "Version", "Data", "Weights (SHA-256)", "Folder")
    rows = []
    for family in study.families:
        for run in family.runs:
            about = run.result.get("provenance", {})
            rows.append(
                (
                    Cell(family.model, key=family.model, model=family.model),
                    Cell(str(run.seed), key=run.seed),
                    Cell(str(run.result["profile"])),
                    Cell(str(about.get("package_version", NOTHING))),
                    _hash(about.get("data_fingerprint")),
                    _hash(about.get("weights_sha256")),
                    Cell(run.folder or NOTHING),
                )
            )
    heads = tuple(Head(name, numeric=name == "Seed") for name in names)
    return Table("Runs", heads, tuple(rows))


def _hash(content: Any) -> Cell:
    text = str(content) if isinstance(content, str) else NOTHING
    return Cell(text[:12], hint=text)


def settings_table(title: str, content: Mapping[str, Any]) -> Table:
    """Nested facts, one a line."""
    rows = tuple((Cell(key), Cell(_word(value))) for key, value in flatten(content).items())
    return Table(title, (Head("Key", numeric=False), Head("Value", numeric=False)), rows, sortable=False)


def _word(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def glossary(study: Study) -> tuple[tuple[str, tuple[str, ...], tuple[tuple[str, str, str, str], ...]], ...]:
    """(metric, what it is, its figures as (name, title, direction, unit)) of every metric in the study."""
    by_metric: dict[str, list[tuple[str, str, str, str]]] = {}
    for name, about in study.summary["headlines"].items():
        unit = str(about["unit"]) or "a pure number"
        entry = (name, label_of(study.summary, name), better_in_words(about), unit)
        by_metric.setdefault(str(about["metric"]), []).append(entry)
    return tuple(
        (metric, study.glossary.get(metric, ()), tuple(entries)) for metric, entries in by_metric.items()
    )


def facts(study: Study) -> Sequence[tuple[str, str]]:
    """The study in a few words, for its header."""
    about = study.summary["model_aggregates"].values()
    profiles = sorted({profile for each in about for profile in each.get("profiles", [])})
    seeds = sorted({seed for each in about for seed in each.get("seeds", [])})
    compared = sorted({count for each in about for count in each.get("compared", [])})
    versions, data = (_stated(study, name) for name in ("package_version", "data_fingerprint"))
    known = [
        ("Families", str(study.summary["num_models"])),
        ("Runs", str(study.summary["num_runs"])),
        ("Profile", ", ".join(profiles)),
        ("Seeds", ", ".join(map(str, seeds))),
        ("Designs compared", " / ".join(map(str, compared))),
        ("Real designs", ", ".join(f"{count} {name}" for name, count in study.counts.items())),
        ("Version", ", ".join(versions)),
        ("Data", ", ".join(each[:12] for each in data)),
    ]
    return [(name, value) for name, value in known if value]


def _stated(study: Study, name: str) -> list[str]:
    """What the runs' provenance says, without repetition."""
    about = [run.result.get("provenance", {}) for family in study.families for run in family.runs]
    return sorted({str(each[name]) for each in about if name in each})
