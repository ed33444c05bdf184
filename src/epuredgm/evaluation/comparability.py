"""What makes the runs of a study hard to compare, and what forbids it."""

from __future__ import annotations

from collections.abc import Iterator

from epuredgm.core.files import digest
from epuredgm.evaluation.runs import Runs, compared
from epuredgm.evaluation.scalar import Json


def warnings(runs: Runs) -> list[str]:
    """One line for each fact in which runs differ, for each model of which some runs miss a figure, and for
    each that misses a deciding one that others have.
    """
    return [*_differing_facts(runs), *differing_extractors(runs), *_partial(runs)]


def extractors(runs: Runs) -> Json:
    """Facts of the extractors behind the figures, by name; ``differ`` lists them where runs disagree."""
    return {
        name: kinds[0] if len(kinds) == 1 else {"differ": kinds} for name, kinds in _extractors(runs).items()
    }


def unlike(runs: Runs) -> frozenset[str]:
    """Names of the headlines that must not be compared: their runs looked through different extractors."""
    changed = {name for name, kinds in _extractors(runs).items() if len(kinds) > 1}
    return frozenset(
        name for name, found in runs.headlines.items() if changed.intersection(found.metric.extractors)
    )


def _extractors(runs: Runs) -> dict[str, list[Json]]:
    """Extractor -> every set of facts that some run has for it."""
    found: dict[str, dict[str, Json]] = {}
    for run in runs.everything:
        for name, facts in run["provenance"].get("extractors", {}).items():
            found.setdefault(name, {})[digest(facts)] = facts
    return {name: [kinds[key] for key in sorted(kinds)] for name, kinds in sorted(found.items())}


def _differing_facts(runs: Runs) -> Iterator[str]:
    everything = runs.everything
    origins = [run["provenance"] for run in everything]
    settings = [origin.get("settings", {}) for origin in origins]
    facts = {
        "profiles": {str(run["profile"]) for run in everything},
        "headline modes": {str(run["mode"]) for run in everything},
        "data fingerprints": {str(origin["data_fingerprint"])[:12] for origin in origins},
        "package versions": {str(origin["package_version"]) for origin in origins},
        "commits": {str(origin.get("commit"))[:12] for origin in origins},
        "evaluation settings": {", ".join(f"{k} {v}" for k, v in sorted(each.items())) for each in settings},
        "seeds": {", ".join(str(run["seed"]) for run in own) for own in runs.by_model.values()},
    }
    for mode in runs.modes:
        counts = {compared(run, mode) for run in everything} - {None}
        facts[f"sample counts ({mode})"] = {str(count) for count in counts}
    for name, values in facts.items():
        if len(values) > 1:
            yield f"runs differ in their {name}: {' / '.join(sorted(values))}"


def differing_extractors(runs: Runs) -> Iterator[str]:
    """One line for each extractor that runs have different ones of."""
    for name, kinds in _extractors(runs).items():
        if len(kinds) > 1:
            left_out = [n for n, found in runs.headlines.items() if name in found.metric.extractors]
            if not left_out:  # no figure rests on it alone
                continue
            yield (
                f"runs looked through {len(kinds)} different extractors {name}: {', '.join(left_out)} ranks "
                "nobody; evaluate all of them again: --force evaluate"
            )


def _partial(runs: Runs) -> Iterator[str]:
    deciding = [name for name, found in runs.headlines.items() if found.headline.decides]
    had = [name for name in deciding if any(table[name].num_runs for table in runs.overall.values())]
    for model, table in runs.overall.items():
        lacking = [name for name in had if not table[name].num_runs]
        yield from (f"{model} has no {name}: {table[name].reason}" for name in lacking)
        partial = [name for name, each in table.items() if 0 < each.num_runs < each.total]
        if partial:
            yield f"{model}: only some of its runs have {', '.join(partial)}"
