"""Laws of the small pieces: normaliser, splits, measures, resident batches."""

from __future__ import annotations

import json
from random import Random

import numpy as np
import pytest
import torch
from data_makers import TWO, random_designs
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from epuredgm.core.errors import BadRequest
from epuredgm.core.spec import Condition, DataSpec
from epuredgm.data.conditions import ConditionNormaliser
from epuredgm.data.measure import mirrored_height, mirrored_width
from epuredgm.data.resident import ResidentDesigns, epoch_order
from epuredgm.data.splits import carve, subset

CPU = torch.device("cpu")
TABLES = st.tuples(st.integers(1, 30), st.integers(0, 4)).flatmap(
    lambda shape: hnp.arrays(np.float64, shape, elements=st.floats(-1e4, 1e4, width=32))
)


def numbers(table: np.ndarray, optional: bool = False) -> list[Condition]:
    return [Condition(f"c{k}", optional=optional) for k in range(table.shape[1])]


# conditions --------------------------------------------------------------------------------------------


@given(TABLES)
def test_encoded_train_rows_have_mean_zero_and_spread_one_or_zero(table: np.ndarray) -> None:
    encoded = ConditionNormaliser.fit(table, numbers(table)).encode(table)
    assert encoded.dtype == np.float32 and encoded.shape == table.shape
    assert np.abs(encoded.mean(axis=0)).max(initial=0) < 1e-3
    spread = encoded.astype(np.float64).std(axis=0)
    constant = np.ptp(table, axis=0) == 0
    assert (spread[constant] < 1e-6).all() and np.isfinite(encoded).all()


@given(TABLES)
def test_scores_go_back_to_the_numbers_and_json_keeps_everything(table: np.ndarray) -> None:
    fitted = ConditionNormaliser.fit(table, numbers(table))
    back = ConditionNormaliser.from_dict(json.loads(json.dumps(fitted.to_dict())))
    assert back == fitted
    encoded = back.encode(table).astype(np.float64)
    assert np.allclose(encoded * np.array(back.std) + np.array(back.mean), table, rtol=1e-5, atol=0.1)


def test_a_constant_column_is_only_centred() -> None:
    fitted = ConditionNormaliser.fit([[0.1], [0.1], [0.1]], [Condition("c")])
    assert fitted.std == (1.0,)
    assert fitted.encode([[1.1]])[0, 0] == pytest.approx(1.0)


@pytest.mark.parametrize("table", [np.zeros((0, 1)), np.zeros((3, 2)), np.zeros(3), np.array([[np.nan]])])
def test_what_cannot_be_fitted_is_refused(table: np.ndarray) -> None:
    with pytest.raises(ValueError):
        ConditionNormaliser.fit(table, [Condition("c")])


@given(TABLES, st.randoms(use_true_random=False))
def test_an_unknown_number_is_zeros_and_says_so(table: np.ndarray, random: Random) -> None:
    holes = np.array([[random.random() < 0.3 for _ in row] for row in table], dtype=bool)
    holes = holes.reshape(table.shape)
    encoded = ConditionNormaliser.fit(np.where(holes, np.nan, table), numbers(table, True)).encode(
        np.where(holes, np.nan, table)
    )
    scores, known = encoded[:, ::2], encoded[:, 1::2]
    assert (known == ~holes).all() and (scores[holes] == 0).all() and np.isfinite(encoded).all()


KIND = Condition("kind", values=("a", "b", "c"), optional=True)


def test_a_category_is_one_place_and_an_unknown_one_is_none() -> None:
    fitted = ConditionNormaliser.fit([[0], [2], [np.nan]], [KIND])
    assert fitted.encode([[2], [0], [np.nan]]).tolist() == [[0, 0, 1], [1, 0, 0], [0, 0, 0]]
    assert ConditionNormaliser.from_dict(json.loads(json.dumps(fitted.to_dict()))) == fitted


def test_what_training_never_saw_is_refused_by_name_and_unknown_within_the_data() -> None:
    fitted = ConditionNormaliser.fit([[0], [2]], [KIND])
    with pytest.raises(BadRequest, match=r"kind: b did not occur[\s\S]*one of: a, c"):
        fitted.encode([[1]])
    assert np.isnan(fitted.within([[1], [2]])[:, 0]).tolist() == [True, False]


@pytest.mark.parametrize("value", [3, -1, 0.5, np.inf])
def test_what_is_no_category_is_refused(value: float) -> None:
    fitted = ConditionNormaliser.fit([[0], [1], [2]], [KIND])
    with pytest.raises(BadRequest, match="kind"):
        fitted.encode([[value]])


def test_an_unknown_value_that_may_not_be_is_refused() -> None:
    fitted = ConditionNormaliser.fit([[0.0], [1.0]], [Condition("c")])
    with pytest.raises(BadRequest, match="may not be unknown"):
        fitted.encode([[np.nan]])


def test_spans_are_the_places_of_conditions_in_an_encoded_vector() -> None:
    conditions = (KIND, Condition("n"), Condition("m", optional=True))
    spec = DataSpec("d", 1, 1, TWO.components, conditions)
    assert spec.condition_width == 6 and spec.condition_spans == (slice(0, 3), slice(3, 4), slice(4, 6))
    encoded = ConditionNormaliser.fit([[0, 5, 1], [2, 7, 3]], conditions).encode([[2, 7, np.nan]])
    assert [encoded[0, span].tolist() for span in spec.condition_spans] == [[0, 0, 1], [1], [0, 0]]


# splits ------------------------------------------------------------------------------------------------


@given(st.integers(2, 500), st.floats(0.001, 0.999), st.integers(0, 10**9))
def test_validation_is_disjoint_exhaustive_and_never_empty(count: int, fraction: float, seed: int) -> None:
    fit, validation = carve(count, fraction, seed)
    assert sorted([*fit, *validation]) == list(range(count))
    assert len(fit) and len(validation)
    assert (np.diff(fit) > 0).all() and (np.diff(validation) > 0).all()
    assert abs(len(validation) - count * fraction) <= 1


def test_carving_depends_on_the_seed_alone() -> None:
    assert (carve(100, 0.1, 3).validation == carve(100, 0.1, 3).validation).all()
    assert (carve(100, 0.1, 3).validation != carve(100, 0.1, 4).validation).any()


@pytest.mark.parametrize(("count", "fraction"), [(1, 0.5), (10, 0.0), (10, 1.0), (10, None)])
def test_what_cannot_be_carved_is_refused(count: int, fraction: float | None) -> None:
    with pytest.raises(BadRequest):
        carve(count, fraction, 0)


@given(hnp.arrays(np.bool_, st.integers(2, 60)), st.data())
def test_subset_keeps_the_shares(train: np.ndarray, data: st.DataObject) -> None:
    size = data.draw(st.integers(1, len(train)))
    rows = subset(train, size)
    assert len(rows) == size == len(set(rows.tolist()))
    assert abs(train[rows].sum() - size * train.mean()) <= 0.5
    with pytest.raises(BadRequest):
        subset(train, len(train) + 1)


# measures ----------------------------------------------------------------------------------------------


@settings(max_examples=50)
@given(
    hnp.arrays(
        np.uint8, st.tuples(*[st.integers(1, 4)] * 2, *[st.integers(1, 9)] * 2), elements=st.integers(0, 1)
    )
)
def test_measures_against_brute_force(images: np.ndarray) -> None:
    widths, heights = mirrored_width(images), mirrored_height(images)
    assert widths.dtype == heights.dtype == np.float64
    for image, width, height in zip(images, widths, heights, strict=True):
        rows, columns = np.nonzero(image.max(axis=0))
        assert width == (
            min(2 * image.shape[2], 2 * (columns.max() - columns.min() + 1) + 1) if len(columns) else 0
        )
        assert height == (rows.max() - rows.min() + 2 if len(rows) else 0)


# resident batches --------------------------------------------------------------------------------------


@given(st.integers(0, 200), st.integers(0, 5), st.integers(0, 5))
def test_every_epoch_sees_every_row_once_in_an_order_of_its_own(count: int, seed: int, epoch: int) -> None:
    order = epoch_order(count, seed, epoch)
    assert sorted(order.tolist()) == list(range(count))
    assert (order == epoch_order(count, seed, epoch)).all()
    if count > 20:
        assert (order != epoch_order(count, seed, epoch + 1)).any()
        assert (order != epoch_order(count, seed + 1, epoch)).any()


@pytest.mark.parametrize("room", [None, 0])
def test_batches_are_the_designs_in_order(room: int | None) -> None:
    images, conditions = random_designs(7), np.arange(7, dtype=np.float32)[:, None]
    resident = ResidentDesigns.place(images, conditions, TWO, CPU, room)
    order = epoch_order(7, 0, 0)
    batches = list(resident.batches(order, 3))
    assert [len(batch.images) for batch in batches] == [3, 3, 1]
    assert batches[0].images.dtype == torch.float32
    assert (torch.cat([b.images for b in batches]).numpy() == images[order.numpy()]).all()
    assert torch.cat([b.conditions for b in batches])[:, 0].tolist() == order.tolist()


def test_grey_levels_become_shares() -> None:
    from dataclasses import replace

    images = np.arange(240, dtype=np.uint8).reshape(1, 1, 12, 20).repeat(2, axis=1)
    resident = ResidentDesigns.place(images, np.zeros((1, 0), np.float32), replace(TWO, values="grey"), CPU)
    batch = resident.batch(torch.tensor([0]))
    assert np.allclose(batch.images.numpy(), images / 255) and batch.conditions.shape == (1, 0)


def test_a_read_only_map_is_copied_and_rows_must_correspond() -> None:
    images = random_designs(3)
    images.flags.writeable = False
    assert len(ResidentDesigns.place(images, np.zeros((3, 1), np.float32), TWO, CPU)) == 3
    with pytest.raises(ValueError):
        ResidentDesigns.place(images, np.zeros((2, 1), np.float32), TWO, CPU)
