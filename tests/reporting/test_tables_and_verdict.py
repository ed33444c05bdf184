"""Rankings, differences and verdicts say what the summary holds."""

from __future__ import annotations

import itertools

import pytest

from epuredgm.reporting.numbers import duration, scaled, short, span
from epuredgm.reporting.sections import learned_tables
from epuredgm.reporting.tables import bias_tables, figures_in, head_of, label_of, ranking_tables
from epuredgm.reporting.verdict import difference_tables, verdicts
from reporting.study_makers import pair, study, summary

MODELS = ("one", "two", "three")


def test_a_ranking_table_has_every_family_in_order_with_interval_floor_and_reason() -> None:
    _, table = ranking_tables(summary(MODELS, "draws nothing", ""))[0]
    assert [row[1].model for row in table.rows] == list(MODELS)
    assert [row[2].text for row in table.rows] == ["0.1", "0.2", "0.3"]
    assert table.rows[0][2].detail == "0.05 to 0.15"
    assert table.foot[2].text == "0.01" and table.foot[2].detail == "± 0.004"
    assert [row[0].detail for row in table.rows] == ["1–2", "1–3", "2–4"]
    assert [row[-1].text for row in table.rows] == ["", "", "draws nothing"]
    assert all(len(row) == len(table.heads) == len(table.foot) for row in table.rows)


def test_a_ranking_that_repeats_another_or_ranks_over_nothing_is_left_out() -> None:
    told = summary(MODELS, "", "")
    assert [name for name, _ in ranking_tables(told)] == ["overall"]
    told["all_rankings"]["empty"] = {**told["all_rankings"]["overall"], "over": []}
    told["all_rankings"]["other"] = {**told["all_rankings"]["overall"], "over": ["valid"], "metric": "valid"}
    assert [name for name, _ in ranking_tables(told)] == ["overall", "other"]


def test_a_ranking_over_figures_that_are_not_marked_shows_them() -> None:
    told = summary(MODELS, "", "")
    told["headlines"] = {**told["headlines"], "valid": {**told["headlines"]["valid"], "ranked": False}}
    about = {**told["all_rankings"]["conditional"], "metric": "mean_rank", "over": ["valid"]}
    told["all_rankings"] = {"conditional": about}
    ((_, table),) = ranking_tables(told)
    (shown,) = [i for i, head in enumerate(table.heads) if head.label == label_of(told, "valid")]
    assert all(row[shown].text for row in table.rows)


def test_where_no_way_is_better_nothing_is_marked_and_no_arrow_shown() -> None:
    told = summary(MODELS, "", "")
    told["headlines"] = {"valid": {**told["headlines"]["valid"], "better": "neither"}}
    assert head_of(told, "valid").detail.strip() == "valid"


def test_a_figure_is_called_by_its_title_and_a_mean_rank_by_its_name() -> None:
    told = summary(MODELS, "", "")
    assert label_of(told, "fd_domain") == "Domain distance"
    assert label_of(told, "mean_rank") == "mean rank"


def test_the_matrix_of_differences_is_antisymmetric() -> None:
    ((_, (table,)),) = difference_tables(summary(MODELS, "", ""))
    cells = {
        (a, b): table.rows[i][1 + j] for (i, a), (j, b) in itertools.product(enumerate(MODELS), repeat=2)
    }
    opposite = {"good": "bad", "bad": "good", "": ""}
    for a, b in itertools.combinations(MODELS, 2):
        assert cells[a, b].text == "−" + cells[b, a].text  # the better family has less
        assert cells[a, b].tone == opposite[cells[b, a].tone]
    assert [cells[a, a].text for a in MODELS] == ["", "", ""]
    assert [cells["one", b].tone for b in ("two", "three")] == ["good", "good"]
    assert cells["two", "three"].tone == ""  # its interval holds 0


def test_the_first_is_sure_only_when_every_other_is_told_apart() -> None:
    told = summary(MODELS, "", "")
    (verdict,) = verdicts(told)
    assert (verdict.first, verdict.sure, verdict.others) == ("one", True, ())
    near = next(each for each in told["differences"]["conditional"]["fd_domain"] if each["a"] == "two")
    near.update(p=0.03, p_adjusted=0.09, differ=False)  # its own interval leaves out 0
    (verdict,) = verdicts(told)
    assert (verdict.sure, verdict.others) == (False, ("two",))
    assert verdict.sureness == "not told apart from two; its rank lies in 1 to 2"
    told["differences"] = {}
    (verdict,) = verdicts(told)
    assert verdict.sure is None


def test_one_training_each_makes_nobody_sure() -> None:
    told = summary(MODELS, "", "", seeds=1)
    (verdict,) = verdicts(told)
    assert verdict.sure is None and verdict.sureness.startswith("sampling noise only, one training each")
    for each in told["differences"]["conditional"]["fd_domain"]:
        each.update(p_adjusted=0.5)
    (verdict,) = verdicts(told)
    assert verdict.sure is None and "not even by that told apart from two, three" in verdict.sureness
    assert not any(cell.tone for _, (table,) in difference_tables(told) for row in table.rows for cell in row)
    tables = [table for _, table in ranking_tables(told)]
    assert not any(cell.best for table in tables for row in table.rows for cell in row)


def test_a_mean_rank_names_the_figures_on_which_the_first_is_behind() -> None:
    told = summary(MODELS, "", "")
    about = told["all_rankings"]["conditional"]
    about.update(metric="mean_rank", over=["fd_domain", "valid"])
    del told["all_rankings"]["overall"]
    (verdict,) = verdicts(told)  # that nobody is told to be better does not make it first for sure
    assert verdict.sure is None and verdict.sureness.startswith("no family is told to be better on any")
    about["rows"][0]["rank_interval"] = [1, 1]
    assert verdicts(told)[0].sure is True
    lost = pair("one", "two", -0.2, 0.001)  # fewer are valid
    told["differences"]["conditional"]["valid"] = [lost]
    (verdict,) = verdicts(told)
    words = "another family is better beyond training and sampling noise on Valid designs; its rank stays 1"
    assert (verdict.sure, verdict.sureness) == (False, words)
    lost.update(a="two", b="one", difference=0.2)  # the same, said the other way
    assert verdicts(told) == (verdict,)
    lost.update(differ=False)
    assert verdicts(told)[0].sure
    told["differences"] = {}
    assert verdicts(told)[0].sure is None


def test_a_mean_rank_of_one_training_each_says_what_it_hangs_on() -> None:
    told = summary(MODELS, "", "", seeds=1)
    told["all_rankings"]["conditional"].update(metric="mean_rank", over=["fd_domain", "valid"])
    del told["all_rankings"]["overall"]
    told["differences"]["conditional"]["valid"] = [pair("one", "two", -0.2, 0.001, seeds=1)]
    (verdict,) = verdicts(told)
    assert verdict.sure is None
    assert verdict.sureness.startswith("sampling noise only, one training each: another family is better by")


def test_a_bias_stands_beside_its_error_and_says_which_way_it_goes() -> None:
    told = summary(MODELS, "", "")
    assert figures_in(told, told["tasks"]["conditional"]) == ("fd_domain", "valid", "bias_valid")
    ((task, table),) = bias_tables(told)
    assert task == "conditional" and [head.label for head in table.heads[1:]] == [
        "Valid designs",
        "Bias in valid",
    ]
    assert table.rows[0][2].text == "−0.9" and table.rows[0][2].detail.startswith("0.9 px too narrow; ")


def test_what_ranks_comes_first_among_the_figures() -> None:
    told = summary(MODELS, "", "")
    assert figures_in(told, told["tasks"]["conditional"], ranked=True) == ("fd_domain", "valid", "bias_valid")
    told["ranked_by"]["metric"] = "valid"
    assert figures_in(told, told["tasks"]["conditional"], ranked=True) == ("valid", "bias_valid", "fd_domain")


def test_a_family_that_is_set_back_makes_no_first_unsure() -> None:
    told = summary(MODELS, "draws nothing", "")
    for each in told["differences"]["conditional"]["fd_domain"]:
        if {each["a"], each["b"]} == {"one", "three"}:
            each["differ"] = False
    (verdict,) = verdicts(told)
    assert verdict.sure


def test_whatever_was_learned_becomes_tables_of_its_own_shape() -> None:
    told = {table.title: table for table in learned_tables(study().families[0])}
    assert set(told) == {"figures", "codes", "list"}
    assert [[cell.text for cell in row] for row in told["list"].rows] == [["1", "1.5"], ["2", "2.5"]]
    assert [row[0].text for row in told["codes"].rows] == ["a word", "b"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0.0, "0"), (0.123456, "0.123"), (-2.5, "−2.5"), (12345.6, "12\u2009346")],
)
def test_numbers_are_short(value: float | None, text: str) -> None:
    assert short(value) == text


def test_times_and_sizes_take_the_unit_that_fits() -> None:
    assert [duration(each) for each in (0.4, 85, 600, 11100)] == [
        "0.4\u2009s",
        "85\u2009s",
        "10\u2009min",
        "3\u2009h 05\u2009min",
    ]
    assert [scaled(each, "B") for each in (12, 867e6, 1.2e9)] == ["12\u2009B", "867\u2009MB", "1.2\u2009GB"]
    assert scaled(999.9e3) == "1\u2009M"
    assert span([1, None]) == span(None) == span([0.0, 0.0]) == ""
