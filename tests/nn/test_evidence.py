"""Evidence holds what is given and nothing else; the random sets are proper subsets of equal chances."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from epuredgm.nn.evidence import Evidence, random_given


def test_hidden_pixels_are_gone_and_given_ones_exact() -> None:
    images, flags = torch.rand(5, 3, 4, 4), torch.rand(5, 3) < 0.5
    evidence = Evidence.of(images, flags)
    assert torch.equal(evidence.values[flags], images[flags])
    assert (evidence.values[~flags] == 0).all()
    other = torch.rand_like(images)
    pasted = evidence.paste(other)
    assert torch.equal(pasted[flags], images[flags])
    assert torch.equal(pasted[~flags], other[~flags])


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 5), st.integers(0, 2**31))
def test_never_all_components_are_given(channels: int, seed: int) -> None:
    flags = random_given(200, channels, 1.0, torch.Generator().manual_seed(seed))
    assert not flags.all(1).any()
    assert flags.shape == (200, channels)


def test_each_number_of_given_components_and_each_set_of_it_is_equally_likely() -> None:
    flags = random_given(60_000, 3, 0.5, torch.Generator().manual_seed(0))
    kinds, counts = torch.unique(flags.int(), dim=0, return_counts=True)
    share = {tuple(kind.tolist()): float(n) / 60_000 for kind, n in zip(kinds, counts, strict=True)}
    expected = {0: 0.5 + 0.5 / 3, 1: 0.5 / 9, 2: 0.5 / 9}
    assert len(share) == 7
    assert all(abs(value - expected[sum(kind)]) < 0.01 for kind, value in share.items())
