"""The Frechet distance against pytorch-fid's, closed forms and its own definition."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pytorch_fid.fid_score import calculate_frechet_distance

from epuredgm.evaluation.frechet import frechet_distance, frechet_left_out
from epuredgm.evaluation.view import View, jackknife_groups


def features(rng, count, width, decay=0.5, shift=0.0):
    """Points whose axes are correlated and shrink like those of a real network."""
    mixing = np.random.default_rng(7).normal(size=(width, width)) * np.arange(1, width + 1) ** -decay
    return rng.normal(size=(count, width)) @ mixing.T + shift


def by_pytorch_fid(x, y):
    return calculate_frechet_distance(
        x.mean(axis=0), np.cov(x, rowvar=False), y.mean(axis=0), np.cov(y, rowvar=False)
    )


@pytest.mark.filterwarnings("ignore:The `disp` argument is deprecated:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:Matrix is singular:scipy.linalg.LinAlgWarning")  # pytorch-fid's own
@pytest.mark.parametrize(
    "n, m, width",
    [(300, 250, 64), (65, 64, 64), (400, 90, 120), (90, 400, 120), (50, 70, 128), (3, 2, 16)],
    ids=["full rank", "barely", "one side deficient", "the other side", "both deficient", "tiny"],
)
def test_equals_pytorch_fid(n, m, width):
    rng = np.random.default_rng(0)
    x, y = features(rng, n, width), features(rng, m, width, decay=0.7, shift=0.1)
    assert frechet_distance(x, y) == pytest.approx(by_pytorch_fid(x, y), rel=1e-4)


def test_the_law_of_normals_in_one_dimension():
    """Between N(a, s^2) and N(b, t^2) it is (a - b)^2 + (s - t)^2."""
    x, y = np.array([[0.0], [2.0], [4.0], [7.0]]), np.array([[1.0], [1.5], [3.0]])
    expected = (x.mean() - y.mean()) ** 2 + (x.std(ddof=1) - y.std(ddof=1)) ** 2
    assert frechet_distance(x, y) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("count", [40, 400])
def test_the_law_of_a_stretch_and_a_shift(count):
    """Covariances S and c^2 S commute: |shift|^2 + (c - 1)^2 Tr S."""
    x = features(np.random.default_rng(1), count, 60)
    trace = np.cov(x, rowvar=False).trace()
    y = 3 * (x - x.mean(axis=0)) + x.mean(axis=0) + 0.5
    assert frechet_distance(x, y) == pytest.approx(60 * 0.25 + 4 * trace, rel=1e-9)


@settings(max_examples=40)
@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 12), st.integers(0, 1000))
def test_symmetric_finite_never_negative_and_nothing_from_a_set_to_itself(n, m, width, seed):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, width)), rng.normal(size=(m, width))
    x[:, rng.random(width) < 0.3] = 1.0  # axes that nothing excites
    y[:, 0] = y[:, -1]  # a singular covariance
    there, back = frechet_distance(x, y), frechet_distance(y, x)
    assert math.isfinite(there) and there >= 0
    assert there == pytest.approx(back, rel=1e-6, abs=1e-6)
    assert frechet_distance(y, y) == pytest.approx(0, abs=1e-6 * width)


def test_a_rotation_of_the_space_changes_nothing():
    rng = np.random.default_rng(2)
    x, y = features(rng, 90, 20), features(rng, 80, 20, shift=0.3)
    turn, _ = np.linalg.qr(rng.normal(size=(20, 20)))
    assert frechet_distance(x @ turn, y @ turn) == pytest.approx(frechet_distance(x, y), rel=1e-9)


@pytest.mark.parametrize("count", [3, 30, 64, 66, 200], ids=lambda n: f"{n} designs of 64 axes")
def test_left_out_is_the_distance_without_each_group(count):
    rng = np.random.default_rng(3)
    x, y = features(rng, count, 64), features(rng, count, 64, shift=0.2)
    x[:, 5], y[:, 9] = 4.0, 1000.0  # no variance, and far from the origin
    groups = jackknife_groups(rng, count, 7)
    view = View(x, y, x, y, groups, repeats=2)
    expected = [frechet_distance(x[groups != g], y[groups != g]) for g in range(int(groups.max()) + 1)]
    np.testing.assert_allclose(frechet_left_out(view), expected, rtol=1e-7)
