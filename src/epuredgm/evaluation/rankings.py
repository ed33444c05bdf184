"""Which rankings a study has: overall, by mean rank, and one for each task."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from epuredgm.evaluation.aggregate import Aggregate
from epuredgm.evaluation.headlines import Found
from epuredgm.evaluation.ranking import MEAN_RANK, Column, Ranking, rank
from epuredgm.evaluation.runs import Runs

OVERALL = "overall"


def all_rankings(runs: Runs, unlike: Collection[str]) -> dict[str, Ranking]:
    """``overall``, ``mean_rank``, and one by the name of each mode that some run was sampled in.

    Overall, the first deciding figure that every run has, in one and the same mode, ranks alone; else the
    mean rank over the ranked headlines does, as in the second ranking. A task's is the mean rank over the
    ranked headlines that it has, or over all that have a better way where none is marked as ranked; it ranks
    the models that were sampled in it.

    Args:
        runs: the study.
        unlike: names of headlines that went through different extractors: they rank nobody.
    """
    models = list(runs.by_model)
    heads = {name: found for name, found in runs.headlines.items() if name not in unlike}
    set_back = _set_back(models, heads, runs.overall)
    columns = _columns(_ranked(heads), models, runs.overall)
    line = _in_line(runs.headlines)
    hindered = {name: _hindrance(name, runs, unlike) for name in line}
    by = next((name for name in line if not hindered[name]), None)
    alone = Column(by, *_about(by, heads[by], models, runs.overall)) if by else None
    return {
        OVERALL: rank("Overall", _reason(heads, by, hindered), models, columns, set_back, alone),
        MEAN_RANK: rank("Mean rank", "over all ranked figures", models, columns, set_back),
        **{mode: _task(mode, runs, unlike) for mode in runs.modes},
    }


def _task(mode: str, runs: Runs, unlike: Collection[str]) -> Ranking:
    models = runs.models_in(mode)
    heads = {name: found for name, found in runs.headlines_in(mode).items() if name not in unlike}
    ranked = _ranked(heads) or {k: found for k, found in heads.items() if found.headline.better != "neither"}
    reason = "over the ranked figures of this task" if _ranked(heads) else "over all figures of this task"
    table = runs.tasks[mode]
    columns = _columns(ranked, models, table)
    return rank(mode.capitalize(), reason, models, columns, _set_back(models, heads, table))


def _ranked(heads: Mapping[str, Found]) -> dict[str, Found]:
    return {name: found for name, found in heads.items() if found.headline.ranked}


def _hindrance(name: str, runs: Runs, unlike: Collection[str]) -> str:
    """Why a figure cannot rank alone; empty if it can: every run has it in one and the same mode."""
    own = [table[name] for table in runs.overall.values()]
    title = runs.headlines[name].title
    if name in unlike:
        return f"runs have {title} through different extractors"
    if not all(each.num_runs == each.total for each in own):
        return f"not every run has {title}"
    return f"runs have {title} in different modes" if len({each.mode for each in own}) > 1 else ""


def _in_line(heads: Mapping[str, Found]) -> list[str]:
    """The deciding figures, the first in line first."""
    deciding = [name for name, found in heads.items() if found.headline.decides]
    return sorted(deciding, key=lambda name: (int(heads[name].headline.decides), name))


def _reason(heads: Mapping[str, Found], by: str | None, hindered: Mapping[str, str]) -> str:
    """Why ``by``, or the mean rank, ranks overall; ``hindered`` says of each in line why it does not."""
    reasons = [f"every run has {heads[by].title}"] if by else []
    for name, hindrance in hindered.items():
        if name == by:
            break
        reasons.append(hindrance)
    return "; ".join(reasons) or "no figure decides alone"


def _columns(
    heads: Mapping[str, Found], models: Sequence[str], table: Mapping[str, Mapping[str, Aggregate]]
) -> list[Column]:
    return [Column(name, *_about(name, found, models, table)) for name, found in heads.items()]


def _about(
    name: str, found: Found, models: Sequence[str], table: Mapping[str, Mapping[str, Aggregate]]
) -> tuple[str, dict[str, float | None], dict[str, tuple[float, float] | None]]:
    """Direction, values and floors of one column."""
    own = {model: table[model][name] for model in models}
    floors = {
        model: None if each.floor is None else (each.floor, each.floor_std or 0.0)
        for model, each in own.items()
    }
    return found.headline.better, {model: each.mean for model, each in own.items()}, floors


def _set_back(
    models: Sequence[str], heads: Mapping[str, Found], table: Mapping[str, Mapping[str, Aggregate]]
) -> dict[str, str]:
    """The models that stand behind the others, each with the reasons."""

    def reasons(model: str) -> Iterator[str]:
        for name, found in heads.items():
            each = table[model][name]
            if each.set_back:
                sign = ">" if found.headline.better == "lower" else "<"
                yield f"{found.title} {each.mean:.3g} {sign} {found.headline.limit:g}"

    return {model: "; ".join(why) for model in models if (why := list(reasons(model)))}
