"""The phantom's images obey the numeric laws that make them stand in for mammograms."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from epuredgm.data.mammography.phantom import Exposure, as_written, expose
from epuredgm.data.mammography.phantom_grid import Grid, blur, power_law_noise
from epuredgm.data.mammography.phantom_lesions import CARCINOMA, FAT, Finding, attenuation, draw_lesion
from epuredgm.data.mammography.phantom_outline import draw_pose, outline, thickness
from epuredgm.data.mammography.phantom_patient import CLASSES, GLANDULAR, SIDES, VIEWS, draw_patient

SEED = 5
COARSE, FINE = Grid(160, 128, 1.6), Grid(320, 256, 0.8)


@lru_cache(maxsize=1)
def population() -> tuple[Exposure, ...]:
    """Four views of 40 women without findings, coarse."""
    return tuple(
        expose(draw_patient(SEED, number), side, view, COARSE)
        for number in range(40)
        for side in SIDES
        for view in VIEWS
    )


@lru_cache(maxsize=1)
def fine() -> tuple[Exposure, ...]:
    """One view each of 20 women, finer."""
    return tuple(
        expose(draw_patient(SEED, number), SIDES[number % 2], VIEWS[number // 2 % 2], FINE)
        for number in range(20)
    )


# patients ----------------------------------------------------------------------------------------------


def test_patients_are_those_of_a_screening_population() -> None:
    patients = [draw_patient(SEED, number) for number in range(2000)]
    ages = np.array([patient.age for patient in patients])
    assert ages.min() == 50 and ages.max() == 74 and abs(np.median(ages) - 60) <= 1
    shares = [sum(patient.density == c for patient in patients) / len(patients) for c in CLASSES]
    assert np.allclose(shares, [0.1, 0.4, 0.4, 0.1], atol=0.03)
    for patient in patients:
        low, high = GLANDULAR[patient.density]
        assert low <= patient.gland_fraction <= high
        assert 55 <= patient.depth <= 140 and 25 <= patient.thickness <= 90
    dense = np.array([patient.density in "CD" for patient in patients])
    assert ages[dense].mean() < ages[~dense].mean()  # breasts get less dense with age


def test_a_patient_does_not_depend_on_others() -> None:
    assert draw_patient(SEED, 7) == draw_patient(SEED, 7)
    assert draw_patient(SEED, 7).depth != draw_patient(SEED, 8).depth
    assert draw_patient(SEED, 7).depth != draw_patient(SEED + 1, 7).depth


# determinism -------------------------------------------------------------------------------------------


def test_equal_arguments_give_equal_bits_in_another_process() -> None:
    code = (
        "import hashlib; from epuredgm.data.mammography.phantom import expose\n"
        "from epuredgm.data.mammography.phantom_grid import Grid\n"
        "from epuredgm.data.mammography.phantom_patient import draw_patient\n"
        "e = expose(draw_patient(5, 3), 'R', 'MLO', Grid(160, 128, 1.6))\n"
        "print(hashlib.sha256(e.presentation.tobytes() + e.counts.tobytes()).hexdigest())"
    )
    seen = {subprocess.check_output([sys.executable, "-c", code], text=True) for _ in range(2)}
    here = expose(draw_patient(5, 3), "R", "MLO", COARSE)
    bits = here.presentation.tobytes() + here.counts.tobytes()
    assert {text.strip() for text in seen} == {hashlib.sha256(bits).hexdigest()}


def test_a_repeat_shows_the_same_breast_anew() -> None:
    patient = draw_patient(SEED, 3)
    first, repeat = (expose(patient, "L", "CC", COARSE, take=take) for take in (0, 1))
    other = expose(draw_patient(SEED, 4), "L", "CC", COARSE)
    assert not np.array_equal(first.counts, repeat.counts)
    assert _rmse(first.presentation, repeat.presentation) < _rmse(first.presentation, other.presentation) / 2


# shapes ------------------------------------------------------------------------------------------------


def test_the_breast_is_one_piece_without_holes_at_the_chest_wall() -> None:
    for exposure in population():
        assert ndimage.label(exposure.breast)[1] == 1
        assert np.array_equal(ndimage.binary_fill_holes(exposure.breast), exposure.breast)
        wall, far = (0, -1) if exposure.side == "L" else (-1, 0)
        assert exposure.breast[:, wall].mean() > 0.2  # tissue touches the side that laterality says
        assert not exposure.breast[:, far].any()
        assert 0.05 < exposure.breast.mean() < 0.8


def test_the_muscle_is_in_mlo_only_and_inside_the_breast() -> None:
    for exposure in population():
        assert exposure.pectoral.any() == (exposure.view == "MLO")
        assert not (exposure.pectoral & ~exposure.breast).any()
        if exposure.view == "MLO":
            assert exposure.pectoral[0].any() and 0.01 < exposure.pectoral.sum() / exposure.breast.sum() < 0.4


def test_thickness_is_that_of_a_compressed_breast() -> None:
    patient = draw_patient(SEED, 2)
    pose = draw_pose(patient, FINE, "CC", patient.stream("test"))
    breast, _, _ = outline(pose, FINE)
    skin, thick = thickness(breast, pose, FINE, patient.thickness)
    assert (thick[~breast] == 0).all() and (thick[breast] > 0).all()
    assert np.allclose(thick[skin >= patient.thickness / 2], patient.thickness)
    half = np.isclose(skin, patient.thickness / 4, atol=0.2)  # T = T0 sqrt(3) / 2 at a quarter of T0
    assert half.any() and np.allclose(thick[half], patient.thickness * np.sqrt(0.75), rtol=0.01)
    assert thick[FINE.height // 2, 0] == pytest.approx(patient.thickness)  # the chest wall is no skin


def test_both_sides_are_mirror_images_in_frame() -> None:
    image = np.arange(6).reshape(2, 3)
    assert np.array_equal(as_written(image, "L"), image)
    assert np.array_equal(as_written(as_written(image, "R"), "R"), image)
    assert np.array_equal(as_written(image, "R")[:, 0], image[:, -1])


# tissue ------------------------------------------------------------------------------------------------


def test_noise_has_the_spectrum_that_is_asked_for() -> None:
    rng = np.random.default_rng(0)
    power = 0.0
    for _ in range(20):
        noise = power_law_noise(rng, Grid(256, 256, 0.8), 3.0)
        assert noise.mean() == pytest.approx(0, abs=1e-5) and noise.std() == pytest.approx(1, abs=1e-4)
        power = power + np.abs(np.fft.rfft2(noise)) ** 2
    frequency = np.hypot(np.fft.fftfreq(256, 0.8)[:, None], np.fft.rfftfreq(256, 0.8)[None, :])
    steep = (frequency > 1 / 30) & (frequency < 0.6)
    slope = np.polyfit(np.log(frequency[steep]), np.log(power[steep]), 1)[0]
    assert slope == pytest.approx(-3, abs=0.1)
    flat = (frequency > 0) & (frequency < 1 / 45)
    assert np.abs(np.polyfit(np.log(frequency[flat]), np.log(power[flat]), 1)[0]) < 0.5


def test_fine_grids_get_the_same_noise_law_from_half_the_size() -> None:
    noise = power_law_noise(np.random.default_rng(0), Grid(301, 205, 0.1), 3.0)
    assert noise.shape == (301, 205) and noise.std() == pytest.approx(1, abs=0.05)


def test_broad_blur_is_gaussian_blur() -> None:
    field = np.random.default_rng(0).random((501, 403)).astype(np.float32)
    exact, found = ndimage.gaussian_filter(field, 32.0), blur(field, 32.0)
    inner = np.s_[128:-128, 128:-128]  # at the border, single pixels of white noise count for much
    assert np.abs(found - exact)[inner].max() < 0.05 * np.ptp(exact[inner])
    assert np.allclose(blur(np.full((50, 70), 0.3, np.float32), 20.0), 0.3, atol=1e-6)


def test_the_realised_gland_fraction_is_the_one_asked_for() -> None:
    for exposure in population():
        assert exposure.gland_fraction == pytest.approx(exposure.patient.gland_fraction, rel=0.10)


def test_brightness_follows_density() -> None:
    means = {
        c: np.mean([e.presentation[e.breast].mean() for e in population() if e.patient.density == c])
        for c in CLASSES
    }
    assert means["A"] < means["B"] < means["C"] < means["D"]


def test_the_spectrum_inside_the_breast_is_that_of_mammograms() -> None:
    slopes = [slope for slope in map(_slope, fine()) if slope is not None]
    assert len(slopes) >= 10 and 2.7 <= np.median(slopes) <= 3.5


def test_the_nearest_picture_is_the_same_womans_other_breast() -> None:
    pictures = np.stack(
        [as_written(e.presentation, e.side).ravel() for e in population() if e.view == "CC"]
    ).astype(np.float64)
    squares = (pictures**2).sum(axis=1)
    distance = squares[:, None] + squares[None, :] - 2 * pictures @ pictures.T
    np.fill_diagonal(distance, np.inf)
    own = np.arange(len(pictures)) ^ 1  # left and right follow one another
    assert np.array_equal(distance.argmin(axis=1), own)


# acquisition -------------------------------------------------------------------------------------------


def test_values_are_in_range_air_is_dark_and_little_is_saturated() -> None:
    saturated = []
    for exposure in population():
        shown = exposure.presentation
        assert shown.min() >= 0 and shown.max() <= 1 and (shown[~exposure.breast] == 0).all()
        assert (shown[exposure.breast] > 0).all()
        saturated.append((shown[exposure.breast] >= 1).mean())
    assert np.mean(saturated) < 0.003


def test_counts_are_bright_in_air_and_fall_with_thickness() -> None:
    for exposure in population()[:16]:
        inside = ndimage.binary_erosion(exposure.breast, iterations=6)
        far = ~ndimage.binary_dilation(exposure.breast, iterations=20)
        assert exposure.counts[far].mean() == pytest.approx(1, abs=0.02)
        assert exposure.counts[inside].max() < 0.6
        assert exposure.counts.std() > 0 and exposure.counts[far].std() == pytest.approx(1 / 200, rel=0.2)


# lesions -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["malignant", "benign"])
def test_lesions_are_brighter_than_their_ring(kind: str) -> None:
    above, added = [], []
    for number in range(12):
        patient = draw_patient(SEED, number)
        with_it, without = (
            expose(patient, "L", VIEWS[number % 2], FINE, found)
            for found in ([Finding(kind, "L")], [])  # type: ignore[arg-type]
        )
        (box,) = with_it.lesions
        y, x = np.ogrid[: FINE.height, : FINE.width]
        away = np.hypot(y - (box.y0 + box.y1 - 1) / 2, x - (box.x0 + box.x1 - 1) / 2)
        radius = (box.y1 - box.y0) / 2
        core, ring = away < radius / 2, (away > radius) & (away < 1.5 * radius) & with_it.breast
        added.append((with_it.presentation - without.presentation)[core].mean())
        above.append(with_it.presentation[core].mean() - with_it.presentation[ring].mean())
        assert with_it.breast[core].all()
    assert min(added) > 0.05  # gland under a mass may be dark, but the mass always adds
    assert np.median(above) > 0.05


def test_a_lesion_shows_in_both_views_of_its_breast_only() -> None:
    patient = draw_patient(SEED, 1)
    found = [Finding("malignant", "R")]
    for view in VIEWS:
        (box,) = expose(patient, "R", view, FINE, found).lesions
        assert 0 <= box.x0 < box.x1 <= FINE.width and 0 <= box.y0 < box.y1 <= FINE.height
        assert expose(patient, "L", view, FINE, found).lesions == ()


def test_boxes_of_right_breasts_are_mirrored_with_the_picture() -> None:
    patient = draw_patient(SEED, 1)
    (box,) = expose(patient, "R", "CC", FINE, [Finding("malignant", "R")]).lesions
    pose = draw_pose(patient, FINE, "CC", patient.stream("pose", "R", "CC", 0))
    x, y = draw_lesion(patient, Finding("malignant", "R")).centre(pose)
    assert FINE.width - x / FINE.pixel == pytest.approx((box.x0 + box.x1) / 2, abs=1)
    assert y / FINE.pixel + FINE.height / 2 == pytest.approx((box.y0 + box.y1) / 2, abs=1)


def test_a_round_mass_attenuates_like_a_ball() -> None:
    """The integral of the path through a ball is its volume, whatever the pixels."""
    patient = draw_patient(SEED, 1)
    lesion = replace(
        draw_lesion(patient, Finding("malignant", "L")),
        waves=np.zeros((5, 2)),
        rays=np.zeros((0, 3)),
        grains=np.array([[0.0, 20.0, 0.6]]),
    )
    pose = draw_pose(patient, COARSE, "CC", patient.stream("test"))
    for grid in (COARSE, FINE):
        total = float(attenuation(lesion, pose, grid)[0].sum()) * grid.pixel**2
        ball, grain = (4 / 3 * np.pi * r**3 for r in (lesion.radius, 0.3))
        assert total == pytest.approx((CARCINOMA - FAT) * ball + (1.2 - FAT) * grain, rel=0.02)


def _rmse(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    return float(np.sqrt(((one - other) ** 2).mean()))


def _slope(exposure: Exposure, side: int = 64) -> float | None:
    """Exponent of the radial power spectrum from 0.04 to 0.25 per mm in a window inside the breast."""
    own = exposure.breast & ~exposure.pectoral
    row, column = (round(c) - side // 2 for c in ndimage.center_of_mass(own))
    column = min(max(column, 0), own.shape[1] - side)
    window = np.s_[row : row + side, column : column + side]
    if not own[window].all():
        return None
    tissue = exposure.presentation[window] - exposure.presentation[window].mean()
    power = np.abs(np.fft.fft2(tissue * np.outer(np.hanning(side), np.hanning(side)))) ** 2
    ring = np.round(side * np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side)[None, :]))
    rings = np.arange(2, 13)
    means = [power[ring == k].mean() for k in rings]
    return -float(np.polyfit(np.log(rings), np.log(means), 1)[0])
