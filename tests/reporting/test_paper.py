"""Tables for papers: the numbers of the summary, bold by the one rule, valid Markdown and LaTeX."""

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
    about = {"num_runs": seeds, "seeds": list(range(seeds)), "compared": [200], "profiles": ["quick"]}
    return {
        "dataset": "toy_50%",
        "headlines": {"com_overall": {"title": "Centres", "better": "lower", "unit": "px", "ranked": True}},
        "model_aggregates": dict.fromkeys(figures, about),
        "tasks": {"conditional": {model: {"com_overall": each} for model, each in figures.items()}},
        "all_rankings": {
            "conditional": {
                "rows": [
                    {"rank": k, "model": model, "rank_interval": [1, 2]} for k, model in enumerate(figures, 1)
                ]
            }
        },
        "differences": {"conditional": {"com_overall": pairs or []}},
        "extractors": {"domain": {}},
    }


def bold(content: dict[str, Any]) -> list[str]:
    (table,) = paper_tables(content)
    return [model for _, model, cells in table.rows if cells[0][2]]


def pair(differ: bool | None) -> dict[str, Any]:
    return {"a": "vae", "b": "mdm", "difference": -1.0, "interval": [-1.2, -0.8], "differ": differ}


@pytest.mark.parametrize(
    ("values", "pairs", "expected"),
    [
        ((1.0, 2.0), [pair(True)], ["vae"]),
        ((1.0, 2.0), [pair(False)], []),  # nobody is told apart: nothing to point out
        ((1.0, 2.0), [pair(None)], []),  # one training each
        ((1.0, 2.0), [], []),
        ((1.0, 1.0), [], []),
        ((1.0, None), [], []),
    ],
)
def test_bold_is_what_is_not_told_apart_from_the_best(
    values: tuple[float, float | None], pairs: list[dict[str, Any]], expected: list[str]
) -> None:
    figures = {model: figure(value) for model, value in zip(("vae", "mdm"), values, strict=True)}
    assert bold(summary(figures, pairs, seeds=3)) == expected


def test_a_table_says_what_it_is_of() -> None:
    text = markdown(summary({"vae": figure(0.12345, (0.1, 0.2)), "mdm": figure(None)}))
    for words in ("toy_50%", "n = 200", "seeds = 0", "profile = quick", "domain", "Value [interval]"):
        assert words in text
    assert "| 1 (1–2) | vae | 0.123 [0.1, 0.2] |" in text
    assert "| 2 (1–2) | mdm | – |" in text
    assert "|  | real designs | 0.1 ± 0.04 |" in text
    assert "| Centres ↓ (px) |" in text


def test_what_intervals_hold_is_said_once_above_all_tables() -> None:
    for seeds, words in (
        (1, "sampling noise only"),
        (2, "training noise (seeds) and sampling noise (designs)"),
    ):
        content = summary({"vae": figure(1.0, (0.9, 1.1), 0.25)}, seeds=seeds)
        content["tasks"]["inpainting"] = content["tasks"]["conditional"]
        for text in (markdown(content), latex(content)):
            assert text.count(words) == 1 and text.count("reaches to the farther end") == 1
        assert "1 [0.9, 1.1]" in markdown(content)


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
