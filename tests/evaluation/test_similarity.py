"""SSIM and its kin are those of independent implementations, and obey their laws."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from grey_makers import bodies
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch import Tensor
from torch.nn.functional import avg_pool2d
from torchmetrics.functional.image import structural_similarity_index_measure

from epuredgm.evaluation import similarity


def pair(count: int, side: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    x = torch.from_numpy(bodies(count, side, seed)).float()
    y = (x + 0.05 * torch.randn(x.shape, generator=torch.Generator().manual_seed(seed))).clamp(0, 1)
    return x, y


@pytest.mark.parametrize("side", [32, 64])
def test_ssim_and_psnr_are_those_of_skimage(side: int) -> None:
    x, y = pair(3, side)
    for i, found in enumerate(similarity.ssim(x, y)):
        a, b = x[i, 0].double().numpy(), y[i, 0].double().numpy()
        expected = structural_similarity(
            a, b, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1
        )
        assert float(found) == pytest.approx(expected, abs=1e-4)
        assert float(similarity.psnr(x, y)[i]) == pytest.approx(peak_signal_noise_ratio(a, b, data_range=1))
        assert float(similarity.l1(x, y)[i]) == pytest.approx(np.abs(a - b).mean(), abs=1e-6)


@pytest.mark.parametrize("side", [32, 64, 192])
def test_ms_ssim_is_put_together_from_torchmetrics_and_skimage(side: int) -> None:
    """torchmetrics' own counts SSIM beyond the border too, so that the last scale is skimage's."""
    x, y = pair(2, side)
    scales = similarity.scales_of(side, side)
    weights = np.array(similarity.WEIGHTS[:scales]) / sum(similarity.WEIGHTS[:scales])
    for i, found in enumerate(similarity.ms_ssim(x, y)):
        a, b, expected = x[i : i + 1], y[i : i + 1], 1.0
        for scale in range(scales - 1):
            both = structural_similarity_index_measure(a, b, data_range=1.0, return_contrast_sensitivity=True)
            expected *= float(both[1]) ** weights[scale]
            a, b = avg_pool2d(a, 2), avg_pool2d(b, 2)
        last = structural_similarity(
            a[0, 0].double().numpy(),
            b[0, 0].double().numpy(),
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            data_range=1,
        )
        assert float(found) == pytest.approx(expected * last ** weights[-1], abs=1e-4)


@given(st.integers(11, 200))
def test_a_scale_counts_as_long_as_the_window_fits(side: int) -> None:
    scales = similarity.scales_of(side, 300)
    assert 1 <= scales <= 5
    assert side // 2 ** (scales - 1) >= similarity.WINDOW
    assert scales == 5 or side // 2**scales < similarity.WINDOW


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([16, 32, 48]))
def test_equal_pictures_have_one_and_order_does_not_matter(seed: int, side: int) -> None:
    x, y = pair(2, side, seed)
    for figure in (similarity.ssim, similarity.ms_ssim):
        assert torch.allclose(figure(x, x), torch.ones(2), atol=1e-5)
        assert torch.allclose(figure(x, y), figure(y, x), atol=1e-5)
        assert (figure(x, y) < 1).all()
    assert (similarity.l1(x, x) == 0).all()


def test_masked_figures_see_the_mask_alone() -> None:
    x, y = pair(2, 32)
    mask = torch.zeros_like(x, dtype=torch.bool)
    mask[..., 10:20, 10:20] = True
    changed = y.clone()
    changed[..., :4, :] = 1 - changed[..., :4, :]  # farther away than half a window
    assert torch.equal(similarity.ssim(x, y, mask), similarity.ssim(x, changed, mask))
    assert torch.equal(similarity.l1(x, y, mask), similarity.l1(x, changed, mask))
    assert not torch.equal(similarity.ssim(x, y), similarity.ssim(x, changed))


def test_pictures_smaller_than_the_window_have_no_likeness() -> None:
    x = torch.rand(2, 1, 10, 40)
    assert similarity.scales_of(10, 40) == 0 and similarity.ssim(x, x).isnan().all()
