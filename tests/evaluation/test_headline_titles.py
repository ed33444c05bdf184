"""Every figure has words of its own: what a reader sees never names two figures at once."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from results_made_up import result

from epuredgm.evaluation.headlines import Found, headlines_of
from epuredgm.evaluation.metric import Headline, Metric
from epuredgm.evaluation.metrics import all_metrics
from epuredgm.evaluation.scalar import scalar
from epuredgm.evaluation.summary import summarise


def metric(*headlines: Headline) -> Metric:
    return Metric("made", "Made up", (), headlines, lambda case: {})


def titles(*headlines: Headline) -> dict[str, str]:
    block = {"made": {"parts": {"side_wall": scalar(1.0)}, "whole": scalar(2.0)}}
    return {found.name: found.title for found in headlines_of(block, (metric(*headlines),))}


def test_a_title_takes_what_the_star_found_in_words() -> None:
    starred = Headline("part_*_px", "parts.*", title="Part of the *, in pixels")
    assert titles(starred) == {"part_side_wall_px": "Part of the side wall, in pixels"}


def test_a_figure_without_a_title_bears_its_metrics_one_only_where_that_has_no_other() -> None:
    whole, part = Headline("whole", "whole"), Headline("part_*", "parts.*")
    assert titles(whole) == {"whole": "Made up"}
    assert titles(part) == {"part_side_wall": "part side wall"}
    assert titles(whole, part) == {"whole": "whole", "part_side_wall": "part side wall"}


def test_no_two_figures_that_come_with_the_package_share_a_title() -> None:
    found = [
        Found(head.name.replace("*", star), each, head, head.path)
        for each in all_metrics()
        for head in each.headlines
        for star in (("one_px", "two") if "*" in head.name else ("",))
    ]
    assert [title for title, count in Counter(each.title for each in found).items() if count > 1] == []


def test_the_summary_holds_the_title_of_each_figure() -> None:
    told = summarise("toy", [result("a", 0, 0.1, 2.0)])["headlines"]
    assert told["rce"]["title"] == "Count error"
    assert told["adherence_width_px"]["title"] == "Error in width px"


def test_a_title_changes_no_name() -> None:
    head = Headline("part_*", "parts.*")
    assert titles(head).keys() == titles(replace(head, title="Part *")).keys()
