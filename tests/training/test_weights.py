"""Weights files: equal weights give equal bytes, and damage is never loaded."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from epuredgm.core.errors import CorruptArtefact
from epuredgm.data.weights import Weights, load_weights, restore, save_weights

FACTS = {"spec": {"name": "x", "grün": [1, 2.5]}, "seed": 3}


def weights() -> Weights:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3)).to(memory_format=torch.channels_last)
    live = net.state_dict()
    return Weights(live, {name: tensor + 1 for name, tensor in live.items()}, FACTS)


def test_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_weights(path, weights())
    read = load_weights(path)
    assert read.facts == FACTS
    assert read.ema is not None
    for ours, theirs in ((weights().live, read.live), (weights().ema or {}, read.ema)):
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert read.for_use is read.ema


def test_equal_weights_give_equal_bytes(tmp_path: Path) -> None:
    for name in "ab":
        save_weights(tmp_path / name, weights())
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_tied_parameters_and_empty_buffers_are_saved(tmp_path: Path) -> None:
    net = nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2)])
    net[1].weight = net[0].weight
    net.register_buffer("empty", torch.zeros(0))
    save_weights(tmp_path / "w", Weights(net.state_dict(), None, {}))
    read = load_weights(tmp_path / "w")
    assert read.ema is None
    assert torch.equal(read.live["1.weight"], net[0].weight)


@pytest.mark.parametrize("place", [5, 200, -1])
def test_any_damage_is_found(place: int, tmp_path: Path) -> None:
    path = tmp_path / "w"
    save_weights(path, weights())
    content = bytearray(path.read_bytes())
    content[place] ^= 0x10
    path.write_bytes(content)
    with pytest.raises(CorruptArtefact):
        load_weights(path)
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(CorruptArtefact):
        load_weights(path)
    path.write_bytes(b"")
    with pytest.raises(CorruptArtefact):
        load_weights(path)


def test_a_missing_or_foreign_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CorruptArtefact, match=r"nowhere\.safetensors"):
        load_weights(tmp_path / "nowhere.safetensors")
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(1)}, tmp_path / "foreign")
    with pytest.raises(CorruptArtefact, match="does not hold weights"):
        load_weights(tmp_path / "foreign")


def test_buffers_take_the_size_they_were_filled_to_and_misfits_are_refused() -> None:
    filled, fresh = nn.Linear(2, 2), nn.Linear(2, 2)
    filled.register_buffer("codes", torch.rand(7, 3))
    fresh.register_buffer("codes", torch.zeros(0))
    restore(fresh, filled.state_dict())
    assert torch.equal(fresh.codes, filled.codes)
    with pytest.raises(CorruptArtefact, match="do not fit"):
        restore(nn.Linear(3, 2), nn.Linear(2, 2).state_dict())
    with pytest.raises(CorruptArtefact, match="do not fit"):
        restore(nn.Linear(2, 2), filled.state_dict())
