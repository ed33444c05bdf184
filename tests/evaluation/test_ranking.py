"""Places are mean ranks, level with real designs is level, and those set back stand behind."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from epuredgm.evaluation.ranking import Column, rank

values_of_models = st.dictionaries(
    st.sampled_from("abcdef"), st.none() | st.integers(0, 3).map(float), min_size=1
)
directions = st.sampled_from(["lower", "higher"])


@given(values_of_models, directions, st.sets(st.sampled_from("abcdef")))
def test_places_are_mean_ranks(values: dict[str, float | None], better: str, behind: set[str]) -> None:
    models = sorted(values)
    set_back = dict.fromkeys(behind & set(models), "why")
    ranking = rank("", "", models, [Column("x", better, values)], set_back)
    places = {row.model: row.places["x"] for row in ranking.rows}
    assert sum(places.values()) == len(models) * (len(models) + 1) / 2
    assert [row.value for row in ranking.rows] == sorted(places.values())
    honest = [model for model in models if model not in set_back]
    assert {row.model for row in ranking.rows[: len(honest)]} == set(honest)
    for model in honest:
        if values[model] is None:
            assert places[model] == max(places[each] for each in honest)


@given(values_of_models, directions)
def test_a_figure_alone_ranks_as_its_values_do(values: dict[str, float | None], better: str) -> None:
    column = Column("x", better, values)
    rows = rank("", "", sorted(values), [], {}, by=column).rows
    known = [row.value for row in rows if row.value is not None]
    assert known == sorted(known, reverse=better == "higher")
    assert all(row.value is None for row in rows[len(known) :])


@given(st.floats(0, 1), st.floats(0, 1), directions)
def test_nobody_is_better_than_real_designs(floor: float, spread: float, better: str) -> None:
    sign = 1 if better == "lower" else -1
    values = {
        "best": floor - sign * 9.0,
        "real": floor,
        "near": floor + sign * 1.9 * spread,
        "far": floor + sign * (2.1 * spread + 0.1),
    }
    floors = dict.fromkeys(values, (floor, spread))
    ranking = rank("", "", sorted(values), [Column("x", better, values, floors)], {})
    places = {row.model: row.places["x"] for row in ranking.rows}
    assert places == {"best": 2, "real": 2, "near": 2, "far": 4}
    assert ranking.rows[0].model == "best"  # raw values break ties


def test_without_a_floor_raw_values_rank() -> None:
    values: dict[str, float | None] = {"a": 0.1, "b": 0.2}
    floors = {"a": (1.0, 1.0), "b": None}
    rows = rank("", "", ["b", "a"], [Column("x", "lower", values, floors)], {}).rows
    assert [(row.model, row.places["x"]) for row in rows] == [("a", 1), ("b", 2)]


def test_equal_models_stand_by_name() -> None:
    column = Column("x", "lower", dict.fromkeys("cab", 1.0))
    assert [row.model for row in rank("", "", list("cab"), [column], {}).rows] == list("abc")
