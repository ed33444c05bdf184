"""Candidates are taken as often as their weights say, each row by itself."""

from __future__ import annotations

import torch

from epuredgm.nn.resampling import resampled


def test_candidates_are_taken_in_proportion_to_their_weights() -> None:
    weights = torch.tensor([[0.1, 0.9], [0.6, 0.4]]).repeat(20_000, 1)
    candidates = [torch.full((40_000, 2), float(k)) for k in range(2)]
    log_weights = [weights[:, k].log() + 1000 for k in range(2)]  # a constant does not matter
    taken = resampled(candidates, log_weights, torch.Generator().manual_seed(0))
    assert taken.shape == (40_000, 2)
    torch.testing.assert_close(taken[:, 0].view(-1, 2).mean(0), torch.tensor([0.9, 0.4]), rtol=0, atol=0.02)


def test_a_candidate_without_rivals_is_taken_whole() -> None:
    rows = torch.arange(6.0).view(3, 2)
    nothing = torch.full((3,), -1e9)
    rng = torch.Generator().manual_seed(0)
    assert torch.equal(resampled([rows], [nothing], rng), rows)
    assert torch.equal(resampled([-rows, rows], [nothing, torch.zeros(3)], rng), rows)
