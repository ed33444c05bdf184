"""Tables for papers: the numbers of the summary, bold only what is beyond doubt, valid Markdown and LaTeX."""

from __future__ import annotations

import re
from typing import Any

import pytest

from epuredgm.reporting.paper import latex, markdown, paper_tables

Figure = dict[str, Any]


def figure(
    mean: float | None, interval: tuple[float, float] | None = None, std: float | None = None
) -> Figure:
    known = {"floor": 0.1, "floor_std": 0.02} if mean is not None else {"reason": "nothing to measure"}
    return {"mean": mean, "std": std, "interval": interval, **known}


def summary(
    figures: dict[str, Figure], pairs: list[dict[str, Any]] | None = None, seeds: int = 1
) -> dict[str, Any]:
    """One task, one figure of each family, ranked in the order given."""
    about = {"seeds": list(range(seeds)), "compared": [200], "profiles": ["quick"]}
    return {
        "dataset": "toy_50%",
        "headlines": {"com_overall": {"title": "Centres", "better": "lower", "unit": "px", "ranked": True}},
        "model_aggregates": dict.fromkeys(figures, about),
        "tasks": {"conditional": {model: {"com_overall": each} for model, each in figures.items()}},
        "all_rankings": {
            "conditional": {"rows": [{"rank": k, "model": model} for k, model in enumerate(figures, 1)]}
        },
        "differences": {"conditional": {"com_overall": pairs or []}},
        "extractors": {"domain": {}},
    }


def bold(content: dict[str, Any]) -> list[str]:
    (table,) = paper_tables(content)
    return [model for _, model, cells in table.rows if cells[0][2]]


def pair(low: float, high: float) -> dict[str, Any]:
    return {"a": "vae", "b": "mdm", "difference": (low + high) / 2, "interval": [low, high]}


@pytest.mark.parametrize(
    ("figures", "pairs", "expected"),
    [
        ({"vae": figure(1.0, (0.5, 1.5)), "mdm": figure(2.0, (1.9, 2.1))}, [], ["vae"]),
        ({"vae": figure(1.0, (0.5, 2.5)), "mdm": figure(2.0, (1.9, 2.1))}, [], []),
        ({"vae": figure(1.0, (0.5, 2.5)), "mdm": figure(2.0, (1.9, 2.1))}, [pair(-1.2, -0.8)], ["vae"]),
        ({"vae": figure(1.0, (0.5, 1.5)), "mdm": figure(2.0, (1.9, 2.1))}, [pair(-1.2, 0.8)], []),
        ({"vae": figure(1.0, (0.5, 1.5)), "mdm": figure(1.0, (0.5, 1.5))}, [], []),
        ({"vae": figure(1.0, None, 0.5), "mdm": figure(2.0, None, 0.1)}, [], ["vae"]),
        ({"vae": figure(1.0, None, 1.5), "mdm": figure(2.0, None, 0.1)}, [], []),
        ({"vae": figure(1.0, (0.5, 1.5)), "mdm": figure(None)}, [], []),
        ({"vae": figure(1.0), "mdm": figure(2.0)}, [], []),
    ],
)
def test_only_what_is_best_beyond_doubt_is_bold(
    figures: dict[str, Figure], pairs: list[dict[str, Any]], expected: list[str]
) -> None:
    assert bold(summary(figures, pairs)) == expected


def test_a_table_says_what_it_is_of() -> None:
    text = markdown(summary({"vae": figure(0.12345, (0.1, 0.2)), "mdm": figure(None)}))
    for words in ("toy_50%", "n = 200", "seeds = 0", "profile = quick", "domain", "value [interval]"):
        assert words in text
    assert "| 1 | vae | 0.123 [0.1, 0.2] |" in text
    assert "| 2 | mdm | – |" in text
    assert "|  | real designs | 0.1 ± 0.02 |" in text
    assert "| Centres ↓ (px) |" in text


def test_several_seeds_have_a_deviation() -> None:
    text = markdown(summary({"vae": figure(1.0, (0.9, 1.1), 0.25)}, seeds=2))
    assert "1 ± 0.25" in text and "standard deviation over seeds" in text and "seeds = 0, 1" in text


def test_all_lines_of_a_markdown_table_have_the_same_columns() -> None:
    lines = [line for line in markdown(summary({"vae": figure(1.0)})).splitlines() if line.startswith("|")]
    assert len(lines) == 4
    assert len({line.count("|") for line in lines}) == 1


def test_latex_escapes_its_special_characters_and_balances_its_braces() -> None:
    text = latex(summary({"a_b&c": figure(-1.0, (-2.0, 0.5)), "mdm": figure(2.0)}))
    assert r"a\_b\&c" in text and r"toy\_50\%" in text and r"$\downarrow$" in text and "$-$1" in text
    assert not re.search(r"(?<!\\)[%#]|(?<!\\)_", text)
    assert text.count("{") == text.count("}")
    assert text.count(r"\begin{") == text.count(r"\end{") == 2
    body = text[text.index(r"\midrule") : text.index(r"\bottomrule")]
    rows = [line for line in body.splitlines() if line.endswith(r"\\")]
    assert {len(re.findall(r"(?<!\\)&", row)) for row in rows} == {2}


def test_families_that_a_ranking_leaves_out_come_last() -> None:
    content = summary({"vae": figure(1.0), "mdm": figure(2.0)})
    content["all_rankings"]["conditional"]["rows"] = [{"rank": 1, "model": "mdm"}]
    (table,) = paper_tables(content)
    assert [(rank, model) for rank, model, _ in table.rows] == [("1", "mdm"), ("–", "vae")]


def test_a_task_without_figures_has_no_table() -> None:
    assert paper_tables(summary({"vae": figure(None)})) == ()


def test_a_bar_in_a_name_starts_no_cell() -> None:
    text = markdown(summary({"a|b": figure(1.0), "mdm": figure(2.0)}))
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert any("| a\\|b |" in row for row in rows)
    assert len({row.replace("\\|", "").count("|") for row in rows}) == 1
