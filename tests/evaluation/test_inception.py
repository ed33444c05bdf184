"""Inception features are pytorch-fid's, and FID and KID come out of them; with weights made up here."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from pytorch_fid import fid_score, inception
from safetensors.torch import save_file
from torch import nn

from epuredgm.core.errors import BadRequest, CorruptArtefact
from epuredgm.core.files import file_sha256
from epuredgm.core.monitor import SILENT
from epuredgm.core.settings import EvaluationSettings
from epuredgm.core.spec import DataSpec
from epuredgm.data.designs import Designs
from epuredgm.data.export import export_samples
from epuredgm.data.samples import SampleSet
from epuredgm.evaluation import inception_network
from epuredgm.evaluation.evaluator import evaluate
from epuredgm.evaluation.extractor import Setting, Unavailable
from epuredgm.evaluation.extractors.inception import MAKER
from epuredgm.evaluation.frechet import frechet_distance
from epuredgm.evaluation.kernel_distance import kernel_distance
from epuredgm.evaluation.reference import Reference, load_reference, make_reference

KEYS = ("fid", "fid_components", "kid", "kid_components")
FEW = 6
Make = Callable[..., SampleSet]


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    """Random weights of pytorch-fid's network, scaled so that signals neither die nor explode."""
    whole = inception._inception_v3(num_classes=1008, aux_logits=False, weights=None)
    for name, width, pooled in (("5b", 192, 32), ("5c", 256, 64), ("5d", 288, 64)):
        setattr(whole, f"Mixed_{name}", inception.FIDInceptionA(width, pooled))
    for name, width in (("6b", 128), ("6c", 160), ("6d", 160), ("6e", 192)):
        setattr(whole, f"Mixed_{name}", inception.FIDInceptionC(768, width))
    whole.Mixed_7b, whole.Mixed_7c = inception.FIDInceptionE_1(1280), inception.FIDInceptionE_2(2048)
    rng = torch.Generator().manual_seed(0)
    for module in whole.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, generator=rng)
    return whole.state_dict()


@pytest.fixture(scope="module")
def weights(state: dict[str, torch.Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("inception") / "weights.pth"
    torch.save(state, path)
    return path


@pytest.fixture(scope="module")
def few(designs: Designs) -> Designs:
    """Six designs of each split."""
    rows = [np.flatnonzero(designs.train == side)[:FEW] for side in (True, False)]
    return designs.rows(np.concatenate(rows))


@pytest.fixture
def setting(spec: DataSpec, weights: Path) -> Setting:
    return setting_with(spec, weights)


def setting_with(spec: DataSpec, weights: Path | None, sha256: str | None = None) -> Setting:
    digits = sha256 or (file_sha256(weights)[:8] if weights else "6726825d")
    settings: Any = SimpleNamespace(inception=SimpleNamespace(sha256=digits, designs=FEW))
    return Setting(spec, settings, weights, torch.device("cpu"))


@pytest.fixture(scope="module")
def reference(
    spec: DataSpec, weights: Path, few: Designs, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Reference]:
    setting, path = setting_with(spec, weights), tmp_path_factory.mktemp("reference") / "reference"
    make_reference([MAKER], setting, few, path, SILENT)
    yield load_reference([MAKER], setting, few, path)


def test_silhouettes_are_described_as_pytorch_fid_describes_exported_pictures(
    spec: DataSpec,
    reference: Reference,
    state: dict[str, torch.Tensor],
    few: Designs,
    make: Make,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The published way: PNGs of ``full/``, read and resized by pytorch-fid."""
    monkeypatch.setattr(inception, "load_state_dict_from_url", lambda *_, **__: state)
    export_samples(make(few.images), tmp_path / "png", SILENT, spec)
    files = sorted((tmp_path / "png" / "full").iterdir())
    network = inception.InceptionV3([3]).eval()
    expected = fid_score.get_activations(files, network, batch_size=5, dims=2048, device="cpu", num_workers=0)
    features = reference.real["inception"]
    assert features.shape == (2 * FEW, 2048) and features.std(axis=0).max() > 1e-3
    np.testing.assert_allclose(features, expected, rtol=1e-4, atol=1e-4 * expected.std())


def test_designs_with_equal_silhouettes_differ_in_colour(reference: Reference, few: Designs) -> None:
    first = few.images[:1]
    dealt = first[:, ::-1].copy()  # the same union, other components
    plain, coloured = (reference.extractors[name].describe for name in MAKER.names)
    np.testing.assert_array_equal(plain(dealt), plain(first))
    assert np.abs(coloured(dealt) - coloured(first)).max() > 1e-3


def test_figures_are_the_distances_of_the_features(
    reference: Reference, spec: DataSpec, few: Designs, make: Make
) -> None:
    settings = EvaluationSettings(bootstrap=5, confidence=0.95, floor_repeats=2, jackknife_groups=3)
    samples = {"unconditional": make(few.images[:FEW])}
    result = evaluate(spec, few, samples, settings, 0, reference=reference)
    block = result["modes"]["unconditional"]
    for name, suffix in zip(MAKER.names, ("", "_components"), strict=True):
        generated, real = (reference.real[name][rows].astype(float) for rows in (few.train, ~few.train))
        fid, kid = block[f"fid{suffix}"], block[f"kid{suffix}"]
        # against all of the few test designs, which is every set of that size
        assert fid["value"] == pytest.approx(frechet_distance(generated, real), rel=1e-3)
        assert kid["value"] == pytest.approx(kernel_distance(generated, real), rel=1e-3, abs=1e-9)
        assert fid["interval"][0] <= fid["value"] <= fid["interval"][1]
        assert fid["floor"]["mean"] > 0 and fid["ratio"] > 0
        assert kid["ratio"] is None
        assert fid["floor"]["std"] is None  # all real designs are needed for a floor: there is one way
    assert result["metrics"]["fid"] == block["fid"]["value"]


def test_a_set_has_no_distance_to_itself(
    reference: Reference, spec: DataSpec, few: Designs, make: Make
) -> None:
    settings = EvaluationSettings(bootstrap=5, confidence=0.95, floor_repeats=2, jackknife_groups=3)
    copies = {"unconditional": make(few.split("test").images)}
    block = evaluate(spec, few, copies, settings, 0, reference=reference)["modes"]["unconditional"]
    scale = np.nanvar(reference.real["inception"], axis=0).sum()
    assert block["fid"]["value"] < 1e-5 * scale
    assert block["kid"]["value"] <= 0  # unbiased: like two draws that came out equal


def test_without_weights_every_figure_says_how_to_get_them(
    spec: DataSpec, few: Designs, make: Make, tmp_path: Path
) -> None:
    setting = setting_with(spec, None)
    make_reference([MAKER], setting, few, tmp_path / "reference", SILENT)
    reference = load_reference([MAKER], setting, few, tmp_path / "reference")
    settings = EvaluationSettings(bootstrap=5, confidence=0.95, floor_repeats=2, jackknife_groups=3)
    result = evaluate(spec, few, {"unconditional": make(few.images[:FEW])}, settings, 0, reference=reference)
    for key in KEYS:
        figure = result["modes"]["unconditional"][key]
        assert figure["value"] is None and "epuredgm data fetch-weights" in figure["reason"]
    assert result["metrics"]["fid"] is None and "fetch-weights" in result["metrics"]["fid_reason"]


def test_facts_tell_features_of_different_weights_apart(reference: Reference, weights: Path) -> None:
    facts = reference.facts
    assert {facts[name]["weights_sha256"] for name in MAKER.names} == {file_sha256(weights)}
    assert facts["inception"]["rendering"] != facts["inception_components"]["rendering"]


def test_a_wrong_file_is_an_error_that_says_what_to_do(
    spec: DataSpec, weights: Path, few: Designs, tmp_path: Path
) -> None:
    with pytest.raises(BadRequest, match=r"begins with(.|\n)*fetch-weights"):
        MAKER.fit(setting_with(spec, weights, "00000000"), few, tmp_path, SILENT)
    broken = tmp_path / "broken.pth"
    contents = {"nothing of torch": b"<html>not found</html>", "half a file": weights.read_bytes()[:5000]}
    for content in contents.values():
        broken.write_bytes(content)
        setting = setting_with(spec, broken)
        MAKER.fit(setting, few, tmp_path, SILENT)
        with pytest.raises(CorruptArtefact, match="no weights of pytorch-fid"):
            MAKER.load(setting, tmp_path)
    torch.save({"another": torch.zeros(2)}, broken)
    with pytest.raises(CorruptArtefact, match="no weights of pytorch-fid"):
        inception_network.load_network(broken, torch.device("cpu"))


def test_a_reference_of_other_weights_is_refused(setting: Setting, few: Designs, tmp_path: Path) -> None:
    MAKER.fit(setting, few, tmp_path, SILENT)
    other = tmp_path / "other.pth"
    other.write_bytes(b"other")
    with pytest.raises(CorruptArtefact, match="other Inception weights"):
        MAKER.load(setting_with(setting.spec, other), tmp_path)
    with pytest.raises(Unavailable, match="fetch-weights"):
        MAKER.load(replace(setting, inception_weights=None), tmp_path)


def test_weights_may_be_safetensors(state: dict[str, torch.Tensor], tmp_path: Path) -> None:
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, tmp_path / "w.safetensors")
    network = inception_network.load_network(tmp_path / "w.safetensors", torch.device("cpu"))
    first = network.blocks[0][0].conv.weight
    torch.testing.assert_close(first, state["Conv2d_1a_3x3.conv.weight"])


def test_features_are_never_made_in_half_precision_or_tf32() -> None:
    seen = []

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.eye(3, 2048))

        def forward(self, batch: torch.Tensor) -> list[torch.Tensor]:
            cuda = torch.backends.cudnn
            seen.append((torch.is_autocast_enabled("cpu"), cuda.allow_tf32, cuda.benchmark))
            return [batch.mean(dim=(2, 3)) @ self.weight]

    before = torch.backends.cudnn.allow_tf32
    with torch.autocast("cpu", dtype=torch.bfloat16):
        features = inception_network.describe(Network(), np.full((3, 4, 4), 200, np.uint8))
    assert seen == [(False, False, False)] and torch.backends.cudnn.allow_tf32 == before
    assert features.dtype == np.float32
    np.testing.assert_allclose(features[:, :3], 200 / 255, rtol=1e-6)


def test_describing_nothing_gives_nothing(reference: Reference, few: Designs) -> None:
    assert reference.extractors["inception"].describe(few.images[:0]).shape == (0, 2048)


def test_importing_the_evaluation_does_not_import_torchvision() -> None:
    code = (
        "import sys; from epuredgm.evaluation import evaluator, extractors, metrics; "
        "extractors.all_makers(); metrics.all_metrics(); sys.exit('torchvision' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
