"""Charts say all that they are given, hide no text, and change nothing outside themselves."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from copy import deepcopy

import matplotlib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from epuredgm.reporting import figures
from epuredgm.reporting.figures import Bin, Difference, Point, Row, Series, drawn
from epuredgm.reporting.figures.differences import ONE_TRAINING, DifferenceChart
from epuredgm.reporting.figures.dots import dots
from epuredgm.reporting.figures.metric import MISSING
from epuredgm.reporting.palette import family_colors
from reporting.drawn_text import boxes, outside, texts, words

LONGEST = "a_name_of_20_letters"
NAMES = ["b", LONGEST, "cost_$x$_and_$y$", "<d>", "e&e", "ddpm", "vae", "vqvae", "f1", "f2", "f3", "f4"]


def metric(names: list[str]) -> Figure:
    rows = [Row(name, 0.1 + place, 0.05 + place, 0.2 + place) for place, name in enumerate(names)]
    rows[-1] = Row(names[-1], None if len(names) % 2 else math.nan)
    return drawn(
        figures.metric_chart(
            f"A figure with a title of $some$ length that {LONGEST} needs",
            "px",
            "lower",
            rows,
            0.05,
            0.02,
            family_colors(names),
        )
    )


def training(names: list[str]) -> Figure:
    steps = tuple(float(step) for step in range(0, 400, 20))
    train = Series(steps, tuple(1000 / (1 + step) for step in steps))
    valid = Series((200.0, 380.0), (9.0, math.nan))
    curves = {
        f"{name}/{kind}": each for name in names for kind, each in [("train", train), ("validation", valid)]
    }
    return drawn(figures.training_curves(names[0], curves, f"{names[0]}, seed 0", "#2c52ff"))


def adherence(names: list[str]) -> Figure:
    asked = np.arange(20.0, 60.0)
    measured = np.where(asked < 22, math.nan, asked + 1)
    return drawn(figures.adherence_scatter(names[0], "px", asked, measured, (25, 50), "#2c52ff"))


def extrapolation(names: list[str]) -> Figure:
    bins = [Bin(10.0, None), Bin(20.0, 21.0, 20.0, 22.0, 0.9), Bin(30.0, 28.0, 27.0, 29.0, 0.5)]
    curves = dict.fromkeys(names, bins)
    return drawn(figures.extrapolation_curve(names[0], "px", curves, (15, 25), family_colors(names)))


def cost(names: list[str]) -> Figure:
    points = [Point(name, 1.0 + place % 3, 2.0, 1.9, 2.1, 1e6) for place, name in enumerate(names)]
    points.append(Point("untimed", None, 1.0))
    return drawn(figures.quality_cost(points, "distance (px)", family_colors(names)))


def ranks(names: list[str]) -> Figure:
    places = {name: {"rce": place + 1.0, "fd_domain": 2.5} for place, name in enumerate(names)}
    return drawn(figures.rank_heat(names, ["rce", "fd_domain", "adherence_height_px"], places))


def differences(names: list[str]) -> Figure:
    pairs = [Difference(a, b, 0.5, False) for a, b in itertools.combinations(names, 2)]
    return drawn(figures.difference_matrix(names, pairs))


CHARTS: list[Callable[[list[str]], Figure]] = [
    metric,
    training,
    adherence,
    extrapolation,
    cost,
    ranks,
    differences,
]


@pytest.mark.parametrize("chart", CHARTS)
@pytest.mark.parametrize("count", [1, 2, 9, 12])
def test_no_text_leaves_the_figure(chart: Callable[[list[str]], Figure], count: int) -> None:
    assert outside(chart(NAMES[:count]), slack=1) == []


@pytest.mark.parametrize("chart", [metric, extrapolation, cost, ranks, differences])
def test_every_family_is_named(chart: Callable[[list[str]], Figure]) -> None:
    said = " | ".join(words(chart(NAMES)))
    assert all(name in said for name in NAMES)


@pytest.mark.parametrize("chart", CHARTS)
def test_a_dollar_sign_is_a_dollar_sign(chart: Callable[[list[str]], Figure]) -> None:
    figure = chart(["cost_$x$_and_$y$"])
    assert not any(each.get_parse_math() for each in texts(figure))


@pytest.mark.parametrize("chart", CHARTS)
def test_no_global_setting_changes(chart: Callable[[list[str]], Figure]) -> None:
    before = deepcopy(dict(matplotlib.rcParams))
    chart(NAMES[:2])
    figures.svg(figures.rank_heat(["a"], ["b"], {}), "title", "description")
    assert dict(matplotlib.rcParams) == before


# one chart at a time -------------------------------------------------------------------------------------


def order(figure: Figure) -> list[str]:
    return [label.get_text() for label in figure.axes[0].get_yticklabels()]


@pytest.mark.parametrize(
    ("better", "expected"), [("lower", ["b", "c", "a", "d"]), ("higher", ["a", "c", "b", "d"])]
)
def test_the_best_family_is_first_and_one_without_a_value_last(better: str, expected: list[str]) -> None:
    rows = [Row("d", None), Row("a", 3.0), Row("c", 2.0), Row("b", 1.0)]
    figure = drawn(figures.metric_chart("x", "", better, rows, None, None, {}))
    assert order(figure) == expected
    assert words(figure).count(MISSING) == 1


@pytest.mark.parametrize(("largest", "scale"), [(50.0, "linear"), (500.0, "log")])
def test_the_axis_is_logarithmic_beyond_two_decades(largest: float, scale: str) -> None:
    rows = [Row("a", 1.0, 0.0, 2.0), Row("b", largest)]
    figure = drawn(figures.metric_chart("x", "", "lower", rows, 0.0, 0.0, {}))
    assert figure.axes[0].get_xscale() == scale


@settings(max_examples=30)
@given(st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), min_size=1, max_size=12), st.floats(0, 10))
def test_all_values_and_the_floor_are_within_the_axis(values: list[float | None], floor: float) -> None:
    rows = [Row(str(place), value) for place, value in enumerate(values)]
    axes = drawn(figures.metric_chart("x", "", "lower", rows, floor, None, {})).axes[0]
    low, high = axes.get_xlim()
    shown = [value for value in values if value is not None]
    assert all(low <= value <= high for value in shown)
    assert axes.get_xscale() == "log" or low <= floor <= high


def test_the_floor_is_a_band_of_one_deviation() -> None:
    axes = drawn(figures.metric_chart("x", "", "lower", [Row("a", 3.0)], 2.0, 0.25, {})).axes[0]
    band = axes.patches[0].get_bbox()
    assert (band.x0, band.x1) == (1.75, 2.25)


def test_a_loss_that_is_missing_leaves_a_gap() -> None:
    curves = {"train": Series((1, 2, 3), (1.0, None, 3.0))}  # type: ignore[arg-type]
    line = drawn(figures.training_curves("a", curves, "a")).axes[0].lines[0]
    assert np.isnan(line.get_ydata()).tolist() == [False, True, False]


def test_each_phase_has_a_panel() -> None:
    assert len(training(["marginal/a", "marginal/b", "meta"]).axes) == 3
    assert {"marginal/a", "marginal/b", "meta"} <= set(words(training(["marginal/a", "marginal/b", "meta"])))


def test_no_curve_is_said() -> None:
    assert "no curve was recorded" in words(drawn(figures.training_curves("a", {}, "a")))


def test_designs_that_cannot_be_measured_count_as_off() -> None:
    figure = drawn(figures.adherence_scatter("w", "px", [1, 2, 3, 4], [1, 2.5, 9, math.nan], None, "#2c52ff"))
    assert any("50% within 1 px" in each and "1 of 4 not measurable" in each for each in words(figure))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=60))
def test_dots_are_the_points_and_their_sizes_the_counts(points: list[tuple[int, int]]) -> None:
    axes = Figure().add_subplot()
    axes.set_xlim(0, 3)
    array = np.array(points, dtype=np.float64).reshape(-1, 2)
    dots(axes, array[:, 0], array[:, 1], "#2c52ff")
    drawn = {
        tuple(start): patch.get_linewidth()
        for patch in axes.patches
        for start in patch.get_path().vertices[::2]
    }
    assert set(drawn) == {(float(x), float(y)) for x, y in points}
    for a, b in itertools.combinations(drawn, 2):
        if drawn[a] > drawn[b]:
            assert points.count((int(a[0]), int(a[1]))) > points.count((int(b[0]), int(b[1])))


def test_names_at_the_ends_of_curves_do_not_overlap() -> None:
    figure = extrapolation(NAMES)
    named = [each for each in texts(figure) if each.get_text() in NAMES]
    _assert_apart(boxes(figure, named))


@pytest.mark.parametrize("count", [1, 5, 12])
def test_names_of_points_do_not_overlap_even_if_the_points_do(count: int) -> None:
    figure = cost(NAMES[:count])
    named = [each for each in texts(figure) if each.get_text().endswith("(1.0)")]
    assert len(named) == count
    _assert_apart(boxes(figure, named))


def _assert_apart(places: list[Bbox]) -> None:
    for a, b in itertools.combinations(places, 2):
        across = min(a.x1, b.x1) - max(a.x0, b.x0)
        up = min(a.y1, b.y1) - max(a.y0, b.y0)
        assert across <= 0 or up <= 1.5  # points: boxes of text have some air above and below


def test_points_without_a_place_are_named() -> None:
    points = [Point("a", 0.0, 1.0), Point("b", 1.0, None), Point("c", 1.0, 1.0)]
    said = words(drawn(figures.quality_cost(points, "q", {})))
    assert "Without a time or a value: a, b" in said


@pytest.mark.parametrize(
    ("difference", "differ", "better", "verdict"),
    [
        (0.2, True, "lower", -1),
        (0.2, True, "higher", 1),
        (-0.2, True, "lower", 1),
        (0.2, False, "lower", 0),
        (0.2, None, "lower", 0),
    ],
)
def test_a_difference_counts_where_two_families_differ(
    difference: float, differ: bool | None, better: str, verdict: int
) -> None:
    chart = DifferenceChart(("a", "b"), (Difference("a", "b", difference, differ),), better, "")
    assert chart.verdicts() == {("a", "b"): verdict, ("b", "a"): -verdict}
    assert (chart._note() == ONE_TRAINING) == (differ is None)


def test_a_difference_that_is_not_known_stays_empty() -> None:
    chart = DifferenceChart(("a", "b"), (Difference("a", "b", None),), "lower", "")
    assert chart.verdicts() == {}
