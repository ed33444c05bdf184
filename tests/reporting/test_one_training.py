"""What a study may claim: of one training each sampling noise and no more, of several what both noises
leave."""

from __future__ import annotations

import io
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from epuredgm.cli.comparison import print_comparison
from epuredgm.cli.standings import print_standings
from epuredgm.evaluation.comparison import Side, compare
from epuredgm.evaluation.summary import summarise
from epuredgm.reporting import paper, pdf
from epuredgm.reporting.page import render
from epuredgm.reporting.sheets.pages import pages
from epuredgm.reporting.study import Study
from reporting.drawn_text import words
from reporting.study_makers import study

MODELS = ("one", "two", "three")
Json = dict[str, Any]

CLAIMS = (
    r"beyond (?!sampling|the |what )\w*noise|beyond doubt|significan|\bsure\b(?! it)|certain(?!ty)|proves?\b",
    r"(?<!not )(?<!by that )told apart(?! from 0)",
    r"\b(better|worse)\b",
    r"ahead of every",
    r"training noise|\(seeds\)",
)
"""What no text of one training each may say."""

HARMLESS = (
    r"↙ better and faster|better and faster ↖",  # which way the axes of a chart go
    r"(lower|higher|neither way) is better|(lower|higher) is better",
    r"said to be better or worse: one training each does not tell",
    r"(another|no) family is better by more than that on [^.;<]*",  # than sampling noise
    r"not even by that told apart",
)


def figure(value: float) -> Json:
    floor = {"mean": 0.05, "std": 0.01}
    return {"value": value, "interval": [value - 0.01, value + 0.01], "floor": floor, "ratio": value / 0.05}


def result(model: str, seed: int, value: float) -> Json:
    """A run that is better at everything the less ``value`` is."""
    counts = {"drawn": 200, "compared": 200, "floor": 200, "paired": True}
    size = {
        "unit": "px",
        "below": "px too narrow",
        "above": "px too wide",
        "mae": figure(value),
        "bias": figure(-value),
        "within_one": figure(1 - value),
    }
    return {
        "schema": 2,
        "model": model,
        "dataset": "toy",
        "seed": seed,
        "profile": "test",
        "mode": "unconditional",
        "metrics": {},
        "modes": {
            "unconditional": {"counts": counts, "fd_domain": {"distance": figure(value)}},
            "conditional": {
                "counts": counts,
                "adherence": {"conditions": {"width_px": size}},
                "rce": {"gen_wd": figure(value)},
            },
        },
        "provenance": {"data_fingerprint": "d", "package_version": "1", "settings": {"confidence": 0.95}},
    }


def runs(seeds: int, training: float) -> tuple[list[Json], dict[tuple[str, int], dict[str, Any]]]:
    """Families that lie fifty errors by designs apart; trainings differ by ``training``."""
    rng = np.random.default_rng(0)
    results, resamples = [], {}
    for seed in range(seeds):
        for k, model in enumerate(MODELS):
            made = result(model, seed, 0.2 + 0.1 * k + training * float(rng.standard_normal()))
            results.append(made)
            resamples[model, seed] = {
                name: (0.002 * rng.standard_normal(100)).astype(np.float32)
                for name in (
                    "unconditional/fd_domain",
                    "conditional/adherence_width_px",
                    "conditional/bias_width_px",
                    "conditional/within_one_width_px",
                    "conditional/rce",
                )
            }
    return results, resamples


def told(seeds: int, training: float) -> Json:
    return summarise("toy", *runs(seeds, training))


def sides(seeds: int, training: float) -> Json:
    """The first two families side by side, as ``compare`` gets them from its tool."""
    results, resamples = runs(seeds, training)
    own = [Side(model, tuple(r for r in results if r["model"] == model), resamples) for model in MODELS[:2]]
    told = compare(own)
    for group in told["groups"]:
        group["settings"] = {}
    return told


def printed(comparison: Json, capsys: pytest.CaptureFixture[str], markdown: bool) -> str:
    print_comparison(comparison, everything=True, markdown=markdown)
    return capsys.readouterr().out


def terminal(summary: Json, width: int) -> str:
    """With the codes of bold and colour."""
    out = io.StringIO()
    print_standings(summary, Console(file=out, width=width, force_terminal=True, color_system="standard"))
    return out.getvalue()


def drawn(made: Study) -> str:
    found = (words(page) for page in pages(list(pdf._blocks(made)), "title", {}))
    return "\n".join(each for page in found for each in page)


@cache
def texts(seeds: int, training: float) -> tuple[tuple[str, str], ...]:
    """Every text for people, by the name of what it is in."""
    summary = told(seeds, training)
    made = study(MODELS, "a word", summary=summary)
    return (
        ("page", render(made)),
        ("pdf", re.sub(r"\n(?=[a-z(])", " ", drawn(made))),
        ("tables.md", paper.markdown(summary)),
        ("tables.tex", paper.latex(summary)),
        *((f"terminal {width}", terminal(summary, width)) for width in (80, 140)),
    )


def plain(text: str) -> str:
    """Words alone."""
    return re.sub(r"\s+", " ", re.sub(r"<(style|script)>.*?</\1>|\x1b\[[\d;]*m", "", text, flags=re.DOTALL))


def claims(text: str) -> list[str]:
    """What a text says that only several trainings could tell."""
    said = plain(text)
    for harmless in HARMLESS:
        said = re.sub(harmless, " ", said)
    return [said[max(0, m.start() - 60) : m.end() + 20] for p in CLAIMS for m in re.finditer(p, said)]


def marks(text: str) -> list[str]:
    """What is bold, coloured or has a sign."""
    patterns = (
        *(r'class="sureness sure"', r'class="[^"]*\b(?:best|good)\b[^"]*"', r"\*\*", r"\\textbf", "★"),
        *(r"\x1b\[(?:1|32|31)(?:;\d+)?m\d[^\x1b]*", r"(?m)^\+$"),
    )
    return [found for pattern in patterns for found in re.findall(pattern, text)]


def says_what_it_holds(text: str) -> bool:
    return "sampling noise only" in plain(text)


def test_no_text_of_one_training_each_claims_more_than_sampling_noise() -> None:
    for name, text in texts(1, 0.0):
        assert not claims(text) and not marks(text), (name, claims(text), marks(text))
        assert says_what_it_holds(text), name


def test_no_number_of_one_training_each_claims_more_than_sampling_noise() -> None:
    summary = told(1, 0.0)
    assert summary["noise"] == "sampling"
    rows = [row for table in summary["differences"].values() for rows in table.values() for row in rows]
    assert len(rows) == 3 * 5
    assert {(row["noise"], row["differ"]) for row in rows} == {("sampling", None)}
    assert not claims(
        json.dumps(summary["warnings"] + [each["reason"] for each in summary["all_rankings"].values()])
    )


def test_compare_claims_no_more_either(capsys: pytest.CaptureFixture[str]) -> None:
    comparison = sides(1, 0.0)
    for markdown in (False, True):
        text = printed(comparison, capsys, markdown)
        assert not claims(text) and says_what_it_holds(text), claims(text)
        assert "**" not in text.replace("**one against two**", "")
    rows = [row for each in comparison["groups"][0]["tasks"].values() for row in each]
    assert {each["verdict"] for row in rows for each in row["differences"].values()} == {""}


def test_three_seeds_that_differ_more_than_the_families_mark_nothing() -> None:
    """Sampling noise alone would tell all of them apart."""
    summary = told(3, 0.3)
    rows = [row for table in summary["differences"].values() for rows in table.values() for row in rows]
    assert {row["differ"] for row in rows} == {False}
    for name, text in texts(3, 0.3):
        assert not marks(text), (name, marks(text))


def test_trainings_that_agree_tell_families_apart_everywhere(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(5, 0.0005)["noise"] == "training and sampling"
    for name, text in texts(5, 0.0005):
        assert marks(text), name
        assert not says_what_it_holds(text), name
    assert "ahead of every other family" in dict(texts(5, 0.0005))["page"]
    assert "worse" in printed(sides(5, 0.0005), capsys, True)


def test_the_legend_is_said_once_in_each_document() -> None:
    for seeds, training in ((1, 0.0), (5, 0.0005)):
        for name, text in texts(seeds, training):
            assert plain(text).count("reaches to the farther end of an interval") == 1, name
            rules = ("Bold: the best value", "No value is bold")
            assert sum(plain(text).count(rule) for rule in rules) == 1, name


def test_which_way_an_error_goes_is_told_everywhere() -> None:
    for name, text in texts(1, 0.0):
        assert "0.2 px too narrow" in plain(text), name


@pytest.mark.slow
def test_a_real_study_of_one_seed_claims_no_more(real_workspace: Path) -> None:
    folder = real_workspace / "test_runs/evaluation_results/toy"
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    files = [folder / "report" / name for name in ("report.html", "tables.md", "tables.tex")]
    for name, text in [
        *((path.name, path.read_text(encoding="utf-8")) for path in files),
        *((f"terminal {width}", terminal(summary, width)) for width in (80, 140)),
    ]:
        assert not claims(text) and not marks(text), (name, claims(text), marks(text))
        assert says_what_it_holds(text), name
    rows = [row for table in summary["differences"].values() for rows in table.values() for row in rows]
    assert rows and {row["differ"] for row in rows} == {None}
